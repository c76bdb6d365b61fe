//go:build stores

package blob_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// putBy writes an object as another program does, under the very key.
func (p planted) putBy(t *testing.T, key, text string) {
	t.Helper()
	var err error
	switch {
	case strings.HasPrefix(p.bucket, "s3:"):
		config := aws.Config{Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: p.server.AccessKey, SecretAccessKey: p.server.SecretKey}, nil
		})}
		client := s3.NewFromConfig(config, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = aws.String(p.server.Endpoint), true })
		_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("feat"), Key: &key, Body: strings.NewReader(text)})
	case strings.HasPrefix(p.bucket, "gs:"):
		var answer *http.Response
		if answer, err = http.Post(p.proxy.URL+"/upload/storage/v1/b/feat/o?uploadType=media&name="+url.QueryEscape(key), "application/octet-stream", strings.NewReader(text)); err == nil {
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				err = errors.New(answer.Status)
			}
		}
	default:
		account := os.Getenv("AZURE_STORAGE_ACCOUNT")
		var credential *container.SharedKeyCredential
		if credential, err = container.NewSharedKeyCredential(account, os.Getenv("AZURE_STORAGE_KEY")); err != nil {
			t.Fatal(err)
		}
		var client *container.Client
		if client, err = container.NewClientWithSharedKeyCredential("http://"+os.Getenv("AZURE_STORAGE_DOMAIN")+"/"+account+"/feat", credential, nil); err == nil {
			_, err = client.NewBlockBlobClient(key).UploadBuffer(t.Context(), []byte(text), nil)
		}
	}
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

// TestAKeyIsReadAsItIs: what another program has written is found under its very key, whatever the library would make of it, and what this one
// writes is there under the key that was named.
func TestAKeyIsReadAsItIs(t *testing.T) {
	// the server keeps objects as files, and has no key with an empty folder
	keysAsTheyAre(t, onS3, "v/tab\there.parquet", "v/line\nbreak.parquet", "v/a__0x2f__b.parquet", "v/ü%20+ &;#?\\.parquet", "v/hour=10%3A00/x.parquet", "v/dots../x.parquet")
}

func TestAKeyIsReadAsItIsGoogle(t *testing.T) {
	keysAsTheyAre(t, onGoogle, "v/tab\there.parquet", "v/a__0x2f__b.parquet", "v/ü%20+ &;#?\\.parquet", "v/hour=10%3A00/x.parquet", "v/dots../x.parquet", "v/dt=1//x.parquet", "v//y.parquet", "v/dt=2///a//z.parquet")
}

func TestAKeyIsReadAsItIsAzure(t *testing.T) {
	keysAsTheyAre(t, onAzure, "v/a__0x2f__b.parquet", "v/ü%20+ &;#?.parquet", "v/hour=10%3A00/x.parquet", "v/dots../x.parquet", "v/dt=1//x.parquet", "v//y.parquet", "v/dt=2///a//z.parquet")
}

func keysAsTheyAre(t *testing.T, on cloudOfTest, keys ...string) {
	t.Helper()
	p := on(t, nil)
	for _, key := range keys {
		p.putBy(t, key, "PAR1 of "+key)
	}
	s := p.opened(t, hasty())
	listed, err := s.List(t.Context(), "", p.bucket+"/v/**/*.parquet")
	if err != nil || len(listed.Entries) != len(keys)+1 {
		t.Fatalf("%d entries, want %d; error %v", len(listed.Entries), len(keys)+1, err)
	}
	for _, key := range keys {
		name := p.bucket + "/" + key
		if !slices.ContainsFunc(listed.Entries, func(e store.Entry) bool {
			return e.Abs == name && e.Path == strings.TrimLeft(strings.TrimPrefix(key, "v/"), "/")
		}) {
			t.Errorf("%q is not listed: %+v", key, listed.Entries)
		}
		o, err := s.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		text := make([]byte, len("PAR1 of "+key))
		if _, err := o.ReadAt(text, 0); err != nil || string(text) != "PAR1 of "+key {
			t.Errorf("%q holds %q, error %v", key, text, err)
		}
		if e, err := s.Stat(t.Context(), name); err != nil || e.Size != int64(len(text)) {
			t.Errorf("%q has %d bytes, error %v", key, e.Size, err)
		}
	}
	if tree, err := s.Tree(t.Context(), p.bucket+"/v"); err != nil || len(tree) != len(keys)+1 {
		t.Errorf("the tree has %d files, want %d; error %v", len(tree), len(keys)+1, err)
	}
	const odd = "w/100% a__0x2f__b.json"
	if err := s.Write(t.Context(), p.bucket+"/"+odd, objectstore.Of([]byte("{}"))); err != nil {
		t.Fatal(err)
	}
	tree, err := p.opened(t, hasty()).Tree(t.Context(), p.bucket+"/w")
	if err != nil || len(tree) != 1 || tree[0].Abs != p.bucket+"/"+odd || tree[0].Size != 2 {
		t.Errorf("there is %+v, want what was written; error %v", tree, err)
	}
	if created, err := s.Create(t.Context(), p.bucket+"/"+odd, []byte("[]")); err != nil || created {
		t.Errorf("it was created a second time: error %v", err)
	}
}

// TestKeysThatXMLCannotHold asks for the list in the way that can hold them, which the proxy writes as Amazon's S3 does. A server that does not is told
// of: its list does not say what the key is.
func TestKeysThatXMLCannotHold(t *testing.T) {
	var f failing
	p := onS3(t, f.answer)
	const key = "v/dt=2026-11-02/a\x01b c+d%20.parquet"
	p.putBy(t, key, "PAR1 text")
	read := func(name string) (string, error) {
		s := p.opened(t, hasty())
		listed, err := s.List(t.Context(), "", p.bucket+"/v")
		if err != nil || len(listed.Entries) != 2 || listed.Entries[1].Abs != name {
			t.Fatalf("%+v, error %v; want %q", listed.Entries, err, name)
		}
		o, err := s.Open(t.Context(), listed.Entries[1].Abs)
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(io.NewSectionReader(o, 0, 9))
		return string(text), err
	}
	f.set(func(_ int, r *http.Request) objectstore.Answer {
		if r.URL.Query().Get("encoding-type") != "url" {
			return objectstore.Answer{}
		}
		return objectstore.Answer{Edit: urlEncoded(t)}
	})
	if text, err := read(p.bucket + "/" + key); err != nil || text != "PAR1 text" {
		t.Errorf("it holds %q, error %v", text, err)
	}
	f.set(nil)
	_, err := read(p.bucket + "/v/dt=2026-11-02/a\ufffdb c+d%20.parquet")
	var remote *store.RemoteError
	if !errors.As(err, &remote) || remote.Retryable() || !strings.Contains(err.Error(), "its key has a character that the store's lists do not tell") {
		t.Errorf("error %v, want that the key is not known", err)
	}
}

// urlEncoded writes the keys of a list as S3 does that was asked for encoding-type=url. Where the server has lost a character, it is the one of the test.
func urlEncoded(t *testing.T) func(http.Header, []byte) []byte {
	return func(_ http.Header, body []byte) []byte {
		var list struct {
			Contents []struct{ Key string }
		}
		if err := xml.Unmarshal(body, &list); err != nil {
			t.Error(err)
		}
		for _, o := range list.Contents {
			var written bytes.Buffer
			_ = xml.EscapeText(&written, []byte(o.Key))
			asked := url.QueryEscape(strings.ReplaceAll(o.Key, "\ufffd", "\x01"))
			body = bytes.ReplaceAll(body, fmt.Appendf(nil, "<Key>%s</Key>", written.String()), fmt.Appendf(nil, "<Key>%s</Key>", strings.ReplaceAll(asked, "%2F", "/")))
		}
		body = bytes.ReplaceAll(body, []byte("<EncodingType></EncodingType>"), nil)
		return bytes.Replace(body, []byte("<KeyCount>"), []byte("<EncodingType>url</EncodingType><KeyCount>"), 1)
	}
}

// TestAFolderWithoutAName: an address that has one is refused where keys lie there, for paths are taken as those of a disk; nothing is left out in silence.
func TestAFolderWithoutANameGoogle(t *testing.T) {
	p := onGoogle(t, nil)
	for _, key := range []string{"v//x.parquet", "v/x.parquet", "v//dt=1/y.parquet", "v/dt=1/y.parquet", "v/z.parquet/", "v/f/", "/top.parquet"} {
		text := "PAR1 of it"
		if key == "v/f/" {
			text = ""
		}
		p.putBy(t, key, text)
	}
	s := p.opened(t, hasty())
	for glob, want := range map[string][]string{
		p.bucket + "/v/*.parquet":      {"/x.parquet", "a.parquet", "x.parquet"},
		p.bucket + "/v/dt=*/*.parquet": {"/dt=1/y.parquet", "dt=1/y.parquet"},
		p.bucket + "/*.parquet":        {"top.parquet"},
	} {
		l, err := s.List(t.Context(), "", glob)
		var paths []string
		for _, e := range l.Entries {
			paths = append(paths, e.Path)
		}
		if err != nil || !slices.Equal(paths, want) {
			t.Errorf("%s: %q, want %q; error %v", glob, paths, want, err)
		}
	}
	if l, err := s.List(t.Context(), "", p.bucket+"/v"); err != nil || l.Ignored[store.IgnoredSlash] != 1 || !slices.Equal(l.Examples[store.IgnoredSlash], []string{"z.parquet"}) {
		t.Errorf("ignored %v, examples %v, error %v; want the object whose key ends in a slash", l.Ignored, l.Examples, err)
	}
	for _, name := range []string{"/v//dt=1/*.parquet", "/v//x.parquet", "/v//dt=1", "//top.parquet"} {
		_, err := s.List(t.Context(), "", p.bucket+name)
		if err == nil || !strings.Contains(err.Error(), "a folder without a name") {
			t.Errorf("%s: error %v, want that it is refused", name, err)
		}
	}
	p.putBy(t, "u/x.parquet", "PAR1 of it")
	if l, err := s.List(t.Context(), "", p.bucket+"/u//*.parquet"); err != nil || len(l.Entries) != 1 {
		t.Errorf("%d entries, error %v where no key has such a folder", len(l.Entries), err)
	}
}
