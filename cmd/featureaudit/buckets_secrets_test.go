//go:build stores

package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestABucketTellsNoSecretOfItsCredentials refuses what each cloud's own chain finds: keys, tokens, signatures and passwords, in files, variables and
// addresses. The server repeats all that it was told in its refusal. None of it stands in the log, the error, the report, the history or what is kept,
// and no other try is advised.
func TestABucketTellsNoSecretOfItsCredentials(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		told := fmt.Sprintf("%s %v %v", r.URL, r.Header, r.Form)
		if r.URL.Path == "/token" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant", "error_description": told})
			return
		}
		w.Header().Set("X-Ms-Error-Code", "AuthenticationFailed")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<Error><Code>InvalidAccessKeyId</Code><Message><![CDATA[%s]]></Message></Error>", told)
	}))
	t.Cleanup(server.Close)
	host, dir := strings.TrimPrefix(server.URL, "http://"), t.TempDir()
	write := func(name string, content any) string {
		path := filepath.Join(dir, name)
		raw, err := json.Marshal(content)
		if text, plain := content.(string); plain {
			raw = []byte(text)
		}
		if err == nil {
			err = os.WriteFile(path, raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	whole := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	account := func(key string) map[string]string {
		return map[string]string{"type": "service_account", "private_key_id": "planted-id", "private_key": key, "client_email": "planted@example.com", "token_uri": server.URL + "/token"}
	}
	azureKey := base64.StdEncoding.EncodeToString([]byte("planted-key-of-azure"))
	azure := func(more map[string]string) map[string]string {
		env := map[string]string{"AZURE_STORAGE_ACCOUNT": "acc", "AZURE_STORAGE_DOMAIN": host, "AZURE_STORAGE_PROTOCOL": "http", "AZURE_STORAGE_IS_LOCAL_EMULATOR": "true"}
		maps.Copy(env, more)
		return env
	}
	aws := func(more map[string]string) map[string]string {
		env := map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIAPLANTED", "AWS_SECRET_ACCESS_KEY": "planted-secret", "AWS_SESSION_TOKEN": "planted-token",
			"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull}
		maps.Copy(env, more)
		return env
	}
	user := map[string]string{
		"type": "authorized_user", "client_id": "planted-client", "client_secret": "planted-secret", "refresh_token": "planted-refresh", "token_uri": server.URL + "/token",
	}
	connection := "DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=" + azureKey + ";BlobEndpoint=" + server.URL + "/acc"
	for name, test := range map[string]struct {
		address string
		env     map[string]string
		says    string
	}{
		"a service account":         {"gs://feat/v", map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": write("account.json", account(string(whole)))}, "the store does not accept the credentials"},
		"a broken key":              {"gs://feat/v", map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": write("broken.json", account("planted-no-key"))}, "the credentials that were found cannot be used"},
		"a user's token":            {"gs://feat/v", map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": write("user.json", user)}, ""},
		"a file that is none":       {"gs://feat/v", map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": write("none.json", `{"type": "service_account", planted`)}, "no credentials were found"},
		"an account key":            {"azblob://feat/v", azure(map[string]string{"AZURE_STORAGE_KEY": azureKey}), "the store does not accept the credentials"},
		"an account key of no code": {"azblob://feat/v", azure(map[string]string{"AZURE_STORAGE_KEY": "planted!"}), "no credentials were found"},
		"a signature":               {"azblob://feat/v", azure(map[string]string{"AZURE_STORAGE_SAS_TOKEN": "sv=2024-01-01&sig=planted-signature"}), "the store does not accept the credentials"},
		"a connection string":       {"azblob://feat/v", azure(map[string]string{"AZURE_STORAGE_CONNECTION_STRING": connection}), "the store does not accept the credentials"},
		"a broken string":           {"azblob://feat/v", azure(map[string]string{"AZURE_STORAGE_CONNECTION_STRING": "planted-string"}), ""},
		"keys of S3":                {"s3://feat/v", aws(nil), "the store does not accept the credentials"},
		"a password in an endpoint": {"s3://feat/v", aws(map[string]string{"AWS_ENDPOINT_URL": "http://planted:planted-password@" + host}), "the store does not accept the credentials"},
		"an endpoint that is none":  {"s3://feat/v", aws(map[string]string{"AWS_ENDPOINT_URL": "http://planted:planted%zz@" + host}), "its endpoint is no address"},
		"an endpoint of no scheme":  {"s3://feat/v", aws(map[string]string{"AWS_ENDPOINT_URL": "planted-host:9000"}), "its endpoint is no address"},
		"a password in a parameter": {"s3://feat/v?endpoint=http://planted:planted-password@" + host, aws(nil), "the store does not accept the credentials"},
		"a signed address":          {"azblob://feat/v?sig=planted-signature", azure(map[string]string{"AZURE_STORAGE_KEY": azureKey}), ""},
		"a password in the address": {"gs://planted:planted-password@feat/v", nil, "credentials do not belong into an address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			cmd := program(t, "run", "--path", test.address, "--event-time", "event_time", "--as-of", "2026-11-20", "--log-level", "debug", "--out", "json="+filepath.Join(out, "r.json"),
				"--out", "html="+filepath.Join(out, "r.html"), "--history", filepath.Join(out, "history"), "--facts", filepath.Join(out, "facts"))
			cmd.Env = append(os.Environ(), "HOME="+out)
			for variable, value := range test.env {
				cmd.Env = append(cmd.Env, variable+"="+value)
			}
			printed, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != exitFindings && code != exitUsage {
				t.Errorf("exit %d, want that no other try helps:\n%s", code, printed)
			}
			all := string(printed)
			err := filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				raw, err := os.ReadFile(path)
				all += string(raw)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(all, test.says) {
				t.Errorf("want %q in\n%s", test.says, printed)
			}
			for _, secret := range []string{"planted", "PLANTED", azureKey} {
				if strings.Contains(all, secret) {
					at := strings.Index(all, secret)
					t.Errorf("%q is told: ...%s", secret, all[max(0, at-200):min(len(all), at+100)])
				}
			}
		})
	}
}
