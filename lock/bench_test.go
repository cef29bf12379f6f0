package lock

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/org/pyfile/python"
)

// BenchmarkSelect300 reads a lock of 300 packages and selects from it: the whole way from bytes to artifacts.
func BenchmarkSelect300(b *testing.B) { benchmarkSelect(b, 300) }

// BenchmarkSelect10000 is the same for a lock that is larger than any known one.
func BenchmarkSelect10000(b *testing.B) { benchmarkSelect(b, 10_000) }

func benchmarkSelect(b *testing.B, packages int) {
	for _, name := range []string{"uv.lock", "pylock.toml"} {
		b.Run(name, func(b *testing.B) {
			data := []byte(lockText(name, packages))
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				artifacts, err := readAndSelect(name, data)
				if err != nil {
					b.Fatal(err)
				}
				if len(artifacts) != packages {
					b.Fatalf("%d artifacts, want %d", len(artifacts), packages)
				}
			}
		})
	}
}

// largeLock writes a lock as uv would: every package needs the next few, and every third one is compiled and has a wheel for each
// of many platforms.
func largeLock(packages int) string {
	var b strings.Builder
	b.WriteString("version = 1\nrevision = 3\nrequires-python = \">=3.10\"\nresolution-markers = [\n    \"python_full_version >= '3.13'\",\n    \"python_full_version < '3.13'\",\n]\n")
	fmt.Fprintf(&b, "\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\nsource = { virtual = \".\" }\ndependencies = [\n    { name = \"package-0\", extra = [\"fast\"] },\n]\n")
	for i := range packages {
		name := fmt.Sprintf("package-%d", i)
		fmt.Fprintf(&b, "\n[[package]]\nname = %q\nversion = \"1.%d.0\"\nsource = { registry = \"https://index.example/simple\" }\ndependencies = [\n", name, i)
		fmt.Fprintf(&b, "    { name = \"package-%d\", marker = \"sys_platform == 'win32'\" },\n", (i+7)%packages)
		fmt.Fprintf(&b, "    { name = \"package-%d\", marker = \"python_full_version < '3.%d'\" },\n", (i+11)%packages, 10+i%3)
		if i+1 < packages {
			fmt.Fprintf(&b, "    { name = \"package-%d\" },\n", i+1)
		}
		b.WriteString("]\n")
		stem := strings.ReplaceAll(name, "-", "_") + fmt.Sprintf("-1.%d.0", i)
		fmt.Fprintf(&b, "sdist = { %s }\nwheels = [\n", largeFile(stem+".tar.gz"))
		for _, tag := range largeTags(i) {
			fmt.Fprintf(&b, "    { %s },\n", largeFile(stem+"-"+tag+".whl"))
		}
		b.WriteString("]\n")
		if i == 0 {
			b.WriteString("\n[package.optional-dependencies]\nfast = [\n    { name = \"package-2\" },\n]\n")
		}
	}
	return b.String()
}

// largePylock writes the same packages as a pylock.toml.
func largePylock(packages int) string {
	var b strings.Builder
	b.WriteString("lock-version = \"1.0\"\ncreated-by = \"test\"\nrequires-python = \">=3.10\"\nextras = [\"s3\"]\n")
	for i := range packages {
		name := fmt.Sprintf("package-%d", i)
		fmt.Fprintf(&b, "\n[[packages]]\nname = %q\nversion = \"1.%d.0\"\nindex = \"https://index.example/simple\"\n", name, i)
		if i%4 == 0 {
			fmt.Fprintf(&b, "marker = \"python_full_version < '3.%d' or sys_platform == 'linux'\"\n", 10+i%3)
		}
		stem := strings.ReplaceAll(name, "-", "_") + fmt.Sprintf("-1.%d.0", i)
		fmt.Fprintf(&b, "sdist = { %s }\nwheels = [\n", pylockFile(stem+".tar.gz"))
		for _, tag := range largeTags(i) {
			fmt.Fprintf(&b, "    { %s },\n", pylockFile(stem+"-"+tag+".whl"))
		}
		b.WriteString("]\n")
	}
	return b.String()
}

func pylockFile(name string) string {
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("url = \"https://files.index.example/packages/%x/%x/%x/%s\", upload-time = 2026-01-02T03:04:05Z, size = %d, hashes = { sha256 = \"%x\" }",
		sum[:1], sum[1:2], sum[2:32], name, 10_000+len(name), sum)
}

func largeFile(name string) string {
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("url = \"https://files.index.example/packages/%x/%x/%x/%s\", hash = \"sha256:%x\", size = %d, upload-time = \"2026-01-02T03:04:05.678Z\"",
		sum[:1], sum[1:2], sum[2:32], name, sum, 10_000+len(name))
}

func largeTags(i int) []string {
	if i%3 != 0 {
		return []string{"py3-none-any"}
	}
	var tags []string
	for _, py := range []string{"cp310-cp310", "cp311-cp311", "cp312-cp312", "cp313-cp313", "cp313-cp313t", "cp314-cp314"} {
		for _, platform := range []string{"macosx_11_0_arm64", "macosx_10_12_x86_64", "manylinux_2_17_aarch64.manylinux2014_aarch64", "manylinux_2_17_x86_64.manylinux2014_x86_64", "musllinux_1_2_aarch64", "musllinux_1_2_x86_64", "win32", "win_amd64"} {
			tags = append(tags, py+"-"+platform)
		}
	}
	return tags
}

func mustVersion(s string) python.Version {
	v, err := python.ParseVersion(s)
	if err != nil {
		panic(err)
	}
	return v
}
