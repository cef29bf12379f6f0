package lock

import (
	"strings"
	"testing"
)

// TestCUDAWarnsWhereTheProjectWantsCPUBuilds lists wheels and a pyproject.toml, and the warning that users see, if any.
func TestCUDAWarnsWhereTheProjectWantsCPUBuilds(t *testing.T) {
	wheel := func(name, version string, size int64) Artifact {
		return Artifact{Name: name, Version: version, Kind: Wheel, Size: size}
	}
	const (
		uv     = "[project]\nname = \"app\"\n[[tool.uv.index]]\nname = \"torch-small\"\nurl = \"https://wheels.example/whl/cpu\"\n"
		named  = "[[tool.uv.index]]\nurl = \"https://mirror.example/simple\"\n[[tool.uv.index]]\nname = \"pytorch-cpu\"\nurl = \"https://mirror.example/torch\"\n"
		noname = "[[tool.uv.index]]\nurl = \"https://user:hunter2@wheels.example/whl/cpu/\"\n"
		cuda   = "[[tool.uv.index]]\nname = \"pytorch\"\nurl = \"https://wheels.example/whl/cu128\"\n[[tool.uv.index]]\nurl = \"https://cpu.example/cpu-builds\"\n"
		poetry = "[[tool.poetry.source]]\nname = \"torch_cpu\"\nurl = \"https://wheels.example/whl/CPU\"\npriority = \"explicit\"\n"
		pdm    = "[[tool.pdm.source]]\nname = \"torch\"\nurl = \"https://wheels.example/whl/cpu\"\n"
	)
	both := []Artifact{
		wheel("numpy", "2.3.0", 16_000_000),
		wheel("nvidia-cublas-cu12", "12.8.4.1", 594_000_000),
		wheel("nvidia-cudnn-cu12", "9.10.2.21", 706_000_000),
		wheel("torch", "2.9.0", 899_700_000),
		wheel("torchvision", "0.24.0", 8_000_000),
	}
	local := []Artifact{wheel("torch", "2.9.0+cu128", 0), wheel("torchaudio", "2.9.0+cu128", 2_000_000)}
	cases := []struct {
		name      string
		artifacts []Artifact
		project   string
		line      int
		want      []string // parts of the warning; none for no warning
	}{
		{"the default index", both, uv, 5, []string{"CUDA builds (torch 2.9.0, with 2 nvidia packages) of 2.2 GB, though the project declares",
			`write torch = { index = "torch-small" } and torchvision = { index = "torch-small" } in [tool.uv.sources]`, `run "uv lock"`}},
		{"an index by name", both, named, 5, []string{`torch = { index = "pytorch-cpu" }`}},
		{"an index without a name", both, noname, 2, []string{`give the index name = "pytorch-cpu", write torch = { index = "pytorch-cpu" }`}},
		{"builds with a local version", local, uv, 5, []string{"CUDA builds (torch 2.9.0+cu128, torchaudio 2.9.0+cu128) of 2 MB or more, though"}},
		{"libraries alone", both[1:2], uv, 5, []string{"CUDA libraries (1 nvidia package) of 594 MB, though", `write torch = {`}},
		{"sizes that the lock does not know", []Artifact{wheel("cupy-cuda12x", "13.0.0", 0)}, uv, 5, []string{"CUDA builds (cupy-cuda12x 13.0.0), though"}},
		{"poetry", both, poetry, 3, []string{`torch = { version = "*", source = "torch_cpu" }`, "[tool.poetry.dependencies]", `run "poetry lock"`}},
		{"pdm", both, pdm, 3, []string{`write include_packages = ["torch", "torchvision"] at this source`, `exclude_packages = ["torch", "torchvision"]`, `run "pdm lock"`}},
		{"CPU builds", []Artifact{wheel("torch", "2.9.0+cpu", 184_000_000), wheel("torchvision", "0.24.0+cpu", 1)}, uv, 0, nil},
		{"torch without CUDA, as for aarch64", []Artifact{wheel("torch", "2.9.0", 104_000_000)}, uv, 0, nil},
		{"no torch", both[:1], uv, 0, nil},
		{"no artifacts", nil, uv, 0, nil},
		{"an index of CUDA builds", both, cuda, 0, nil},
		{"no index", both, "[project]\nname = \"app\"\n", 0, nil},
		{"indexes of other types", both, "[tool.uv]\nindex = 1\n[tool.poetry]\nsource = [1]\n[tool.pdm]\nsource = [{name = 1, url = 2}]\n", 0, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			project, err := ParseProject("app/pyproject.toml", []byte(c.project))
			if err != nil {
				t.Fatal(err)
			}
			e := CUDA(c.artifacts, project)
			if len(c.want) == 0 {
				if e != nil {
					t.Errorf("warns: %v", e)
				}
				return
			}
			if e == nil {
				t.Fatal("no warning")
			}
			text := e.Error()
			for _, part := range c.want {
				if !strings.Contains(text, part) {
					t.Errorf("%q is not in\n%s", part, text)
				}
			}
			if e.File != "app/pyproject.toml" || e.Range.Start.Line != c.line || strings.Contains(text, "hunter2") {
				t.Errorf("%s:%d: %s; want line %d", e.File, e.Range.Start.Line, text, c.line)
			}
		})
	}
	if e := CUDA(both, nil); e != nil {
		t.Errorf("warns without a project: %v", e)
	}
}
