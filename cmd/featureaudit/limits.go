package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/words"
)

// defaultMemoryShare of what the process may use is left to it without --memory-limit, in percent.
const defaultMemoryShare = 70

// leastMemory is what the engine needs to start at all.
const leastMemory = 64 << 20

// ownMemory and threadMemory are what an audit holds whatever its limit says: the program and its engine, and the rows
// that each thread has at hand (measured on 9 million rows, and on the odd shapes of the tests).
const (
	ownMemory    = 184 << 20
	threadMemory = 30 << 20
)

// threadsWithin is how many threads a limit has room for, of those that are wanted, and a note where it has not enough.
func threadsWithin(wanted int, limit int64) (int, string) {
	room := int((limit - ownMemory) / threadMemory)
	switch {
	case wanted <= room:
		return wanted, ""
	case room >= 1:
		return room, fmt.Sprintf("%d of %d threads are used: a memory limit of %s has no room for more; raise --memory-limit (or the container's)", room, wanted, words.Memory(limit))
	}
	return 1, fmt.Sprintf("the memory limit of %s cannot be kept: up to %s may be used, with one thread; raise --memory-limit (or the container's)", words.Memory(limit), words.Memory(ownMemory+threadMemory))
}

func addStageLimit(flags *pflag.FlagSet, limit *string) {
	flags.StringVar(limit, "stage-limit", "", "what parts of files in a bucket may take in --temp-dir at once: 512MB, 20GiB (default: a quarter of what is free there)")
}

// leastStage is what can be asked for: less has no room for one column chunk of the usual size.
const leastStage = 1 << 20

// stageLimit reads --stage-limit; 0 means the default.
func stageLimit(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	bytes, err := parseSize(text)
	if err != nil {
		return 0, usagef("--stage-limit %q: expected a size such as 512MB or 20GiB", text)
	}
	if bytes < leastStage {
		return 0, usagef("--stage-limit %q: expected at least 1 MiB, and this is %s", text, words.Memory(bytes))
	}
	return bytes, nil
}

// rowBytes is what a row takes that is kept to be written (measured on 2 million rows of a short key).
const rowBytes = 512

// rowsWithin is how many rows are kept to be written: as many as are wanted, if a quarter of the memory has room for them, and a
// note where it has not.
func rowsWithin(wanted int, memory int64) (int, string) {
	most := int(memory / 4 / rowBytes)
	if wanted <= most {
		return wanted, ""
	}
	return most, fmt.Sprintf("at most %d rows are written, not the %d of --rows-limit: a memory limit of %s has no room for more; raise --memory-limit", most, wanted, words.Memory(memory))
}

// sizeUnits are the units of sizes, longest first so that "MB" is not read as "B".
var sizeUnits = []struct {
	unit  string
	bytes float64
}{
	{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30}, {"TIB", 1 << 40},
	{"KI", 1 << 10}, {"MI", 1 << 20}, {"GI", 1 << 30}, {"TI", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"B", 1},
}

// memoryLimit is --memory-limit in bytes: a size, or a percentage of what the cgroup or the machine has. Where that
// cannot be read, a size must be given.
func memoryLimit(text string, root fs.FS) (int64, error) {
	if share, ok := strings.CutSuffix(text, "%"); ok || text == "" {
		percent := float64(defaultMemoryShare)
		if ok {
			p, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
			if err != nil || !(p > 0 && p <= 100) {
				return 0, usagef("--memory-limit %q: expected a percentage above 0%% and up to 100%%", text)
			}
			percent = p
		}
		available, err := availableMemory(root)
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			return 0, fmt.Errorf("read this machine's memory: %w: raise ulimit -n", err)
		}
		if err != nil {
			return 0, usagef("--memory-limit: this machine's memory cannot be read (%w); give a size such as 4GiB", err)
		}
		bytes := int64(float64(available) * percent / 100)
		if bytes < leastMemory {
			return 0, usagef("--memory-limit: %g%% of %s is %s, and the engine needs at least %d MiB: name more, or give the process more", percent, words.Memory(available), words.Memory(bytes), leastMemory>>20)
		}
		return bytes, nil
	}
	bytes, err := parseSize(text)
	if err != nil {
		return 0, usagef("--memory-limit %q: %w", text, err)
	}
	if bytes < leastMemory {
		return 0, usagef("--memory-limit %q: the engine needs at least %d MiB (%d MB), and this is %s", text, leastMemory>>20, leastMemory/1_000_000+1, words.Memory(bytes))
	}
	return bytes, nil
}

func parseSize(text string) (int64, error) {
	upper := strings.ToUpper(strings.TrimSpace(text))
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(upper, u.unit)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(n >= 0) || n*u.bytes >= math.MaxInt64 {
			break
		}
		return int64(n * u.bytes), nil
	}
	return 0, fmt.Errorf("expected a size such as 512MB, 2GiB or 70%%")
}

// availableMemory is the least of the machine's memory and the limits of the cgroups that the process is in, in bytes.
func availableMemory(root fs.FS) (int64, error) {
	least, err := machineMemory(root)
	if err != nil {
		return 0, err
	}
	for _, limit := range cgroupLimits(root) {
		least = min(least, limit)
	}
	return least, nil
}

func machineMemory(root fs.FS) (int64, error) {
	raw, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "MemTotal: %d kB", &kib); n == 1 {
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("/proc/meminfo has no MemTotal line")
}

// cgroupLimits are the memory limits from the process's own cgroup up to the root; a cgroup without one adds none.
func cgroupLimits(root fs.FS) []int64 {
	raw, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	var limits []int64
	for line := range strings.Lines(string(raw)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		mount, file := "", ""
		switch {
		case fields[1] == "":
			mount, file = "sys/fs/cgroup", "memory.max"
		case strings.Contains(","+fields[1]+",", ",memory,"):
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		// Inside a container the path may be the host's: then only the root of the mount exists.
		for dir := path.Clean("/" + fields[2]); ; dir = path.Dir(dir) {
			if limit, ok := readLimit(root, path.Join(mount, dir, file)); ok {
				limits = append(limits, limit)
			}
			if dir == "/" {
				break
			}
		}
	}
	return limits
}

func readLimit(root fs.FS, name string) (int64, bool) {
	raw, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	return limit, err == nil && limit > 0
}
