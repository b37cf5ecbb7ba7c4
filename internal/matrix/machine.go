package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// machine describes what is counted on, without names of hosts or folders.
func machine(ctx context.Context) string {
	return fmt.Sprintf("%d cores (%s), %s of memory, %s, %s", runtime.NumCPU(), processor(ctx), memory(ctx), system(ctx), runtime.Version())
}

func processor(ctx context.Context) string {
	if name := valueIn("/proc/cpuinfo", "model name", ":"); name != "" {
		return name
	}
	return said(ctx, "sysctl", "-n", "machdep.cpu.brand_string")
}

func memory(ctx context.Context) string {
	bytes := int64(0)
	if kb, err := strconv.ParseInt(strings.TrimSuffix(valueIn("/proc/meminfo", "MemTotal", ":"), " kB"), 10, 64); err == nil {
		bytes = kb << 10
	} else if n, err := strconv.ParseInt(said(ctx, "sysctl", "-n", "hw.memsize"), 10, 64); err == nil {
		bytes = n
	}
	return fmt.Sprintf("%.0f GiB", float64(bytes)/(1<<30))
}

// system is the kernel and, on Linux, the distribution.
func system(ctx context.Context) string {
	kernel := said(ctx, "uname", "-sr")
	if name := strings.Trim(valueIn("/etc/os-release", "PRETTY_NAME", "="), `"`); name != "" {
		return name + ", " + kernel
	}
	return kernel
}

// valueIn finds a value in a file of lines with names and values, empty if there is none.
func valueIn(path, name, separator string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if n, value, ok := strings.Cut(line, separator); ok && strings.TrimSpace(n) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// said is what a command prints, "unknown" if it cannot.
func said(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if text := strings.TrimSpace(string(out)); err == nil && text != "" {
		return text
	}
	return "unknown"
}

// commit is that of lsfr, with a plus if its code was changed since.
func commit(ctx context.Context) string {
	id := said(ctx, "git", "rev-parse", "--short", "HEAD")
	if changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--", "*.go").Output(); err == nil && len(changed) > 0 {
		id += "+"
	}
	return id
}
