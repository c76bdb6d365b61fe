package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestCommandsStayWithinTheLimit gives the odd shapes to the commands beside run, and to runs that keep facts: at most a tenth more than the
// limit is taken, and each ends as it does where memory is plenty.
func TestCommandsStayWithinTheLimit(t *testing.T) {
	const limit = 256_000_000
	byDefault := []string{"2 million rows of one key", "entities of 5 megabytes"}
	withMemory := []string{"25 keys of a megabyte", "a row group of 5 million rows", "2,000 columns", "20,000 files"}
	for _, shape := range oddShapes() {
		if !slices.Contains(byDefault, shape.name) && (!slices.Contains(withMemory, shape.name) || os.Getenv(memoryVariable) == "") {
			continue
		}
		t.Run(shape.name, func(t *testing.T) {
			dir, out := t.TempDir(), t.TempDir()
			shape.write(t, dir)
			view := []string{"--path", dir, "--name", "v", "--event-time", "event_time", "--key", "id", "--ttl", "1000d", "--memory-limit", "256MB"}
			judged := append([]string{"--as-of", "2026-11-02", "--threads", "2"}, view...)
			repeats := 0
			if shape.measures["repeated_keys"] != "0" {
				repeats = 1
			}
			run := append([]string{"run", "--facts", filepath.Join(out, "facts"), "--summary", "none", "--log-level", "error"}, judged...)
			snapshot := filepath.Join(out, "before.snapshot")
			for _, c := range []struct {
				name string
				args []string
				code int
			}{
				{"a first night with kept facts", run, repeats},
				{"a second night with kept facts", run, repeats},
				{"require --data", append([]string{"require", "v", "--data", "--now", "2026-11-02T00:00:00Z"}, view...), repeats},
				{"snapshot", append([]string{"snapshot", "--out", snapshot}, judged...), 0},
				{"verify", append([]string{"verify", "--before", snapshot, "--paranoid"}, judged...), 0},
			} {
				peak, code, text := peakOf(t, program(t, c.args...))
				if code != c.code {
					t.Errorf("%s: exit %d, want %d:\n%s", c.name, code, c.code, text)
				}
				if peak > limit*11/10 {
					t.Errorf("%s: %d MB resident, limit %d MB", c.name, peak/1_000_000, limit/1_000_000)
				}
			}
		})
	}
}

// TestRowsStayWithinTheLimit writes rows whose values are of megabytes: all of them together are larger than the limit.
func TestRowsStayWithinTheLimit(t *testing.T) {
	const limit = 256_000_000
	for _, shape := range []struct {
		oddShape
		// keys are how many there are, each of two rows, and length those of the key's text in bytes.
		keys, length int
	}{
		{oddShape: oddShape{name: "25 keys of a megabyte", query: longKeys + "range(50) t(i)"}, keys: 25, length: 1 << 20},
		{oddShape: oddShape{name: "200 keys of a megabyte", query: longKeys + "range(400) t(i)", slow: true}, keys: 200, length: 1 << 20},
		{oddShape: oddShape{name: "3,000 keys of 100 kilobytes in many files", query: "SELECT " + instant + ", repeat(printf('%04d', i // 2), 25600) AS id, i % 30 AS part FROM range(6000) t(i)",
			parted: true, slow: true}, keys: 3000, length: 102_400},
		{oddShape: oddShape{name: "a payload of 5 megabytes", query: "SELECT " + instant + ", printf('%04d', i // 2) AS id, repeat(printf('%05d', i), 1000000) AS payload FROM range(100) t(i)", slow: true}, keys: 50, length: 4},
		{oddShape: oddShape{name: "2,000 columns that differ", query: "SELECT " + instant + ", printf('%04d', i // 2) AS id, " + wideColumns(2000) + " FROM range(19998) t(i)", slow: true}, keys: 9999, length: 4},
	} {
		if shape.slow && os.Getenv(memoryVariable) == "" {
			continue
		}
		t.Run(shape.name, func(t *testing.T) {
			dir, out, scratch := t.TempDir(), t.TempDir(), t.TempDir()
			shape.write(t, dir)
			for _, format := range []string{"rows", "duplicates"} {
				path := filepath.Join(out, format+".csv")
				withinLimit(t, limit, 0, "run", "--path", dir, "--name", "v", "--event-time", "event_time", "--key", "id", "--ttl", "1000d", "--as-of", "2026-11-02", "--check", "duplicate-keys",
					"--threads", "2", "--memory-limit", "256MB", "--temp-dir", scratch, "--fail-on", "never", "--summary", "none", "--log-level", "error", "--out", format+"="+path,
					"--out", format+"="+filepath.Join(out, format+".parquet"))
				column, each := "values", 1
				if format == "duplicates" {
					column, each = "key", 2
				}
				keysIn(t, path, column, func(key string, rows int) {
					if n, err := strconv.Atoi(key[:4]); err != nil || n >= shape.keys || rows != each || key != strings.Repeat(key[:4], shape.length/4) {
						t.Errorf("%s: %d rows of key %.20s of %d bytes, want %d rows of each of %d keys of %d bytes", format, rows, key, len(key), each, shape.keys, shape.length)
					}
				}, shape.keys)
			}
			if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
				t.Errorf("left in the temp dir: %v (%v)", left, err)
			}
		})
	}
}

// keysIn gives each key of a CSV file of rows, whose JSON stands in a column, with how many rows have it; there are to be so many keys.
func keysIn(t *testing.T, path, column string, each func(key string, rows int), want int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in := csv.NewReader(file)
	head, err := in.Read()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for {
		line, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var values struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal([]byte(line[slices.Index(head, column)]), &values); err != nil || values.ID == "" {
			t.Fatalf("%s: %.100s (%v)", path, line, err)
		}
		rows[values.ID]++
	}
	if len(rows) != want {
		t.Errorf("%s: %d keys, want %d", path, len(rows), want)
	}
	for key, n := range rows {
		each(key, n)
	}
}

// peakOf runs a program to its end, and gives the most that was resident of it in bytes, its exit code and what it said. The peak of a
// process that ended would count this one, which it was forked from.
func peakOf(t *testing.T, cmd *exec.Cmd) (peak int64, code int, text string) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	status := fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	for {
		select {
		case <-done:
			if peak == 0 {
				t.Fatal("the memory of the process could not be read")
			}
			return peak, cmd.ProcessState.ExitCode(), said.String()
		case <-time.After(2 * time.Millisecond):
		}
		raw, err := os.ReadFile(status)
		if err != nil {
			continue // it ends
		}
		for line := range strings.Lines(string(raw)) {
			var kib int64
			if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
				peak = max(peak, kib<<10)
			}
		}
	}
}
