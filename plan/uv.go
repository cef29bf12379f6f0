package plan

import (
	"fmt"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// uvWheels are the files of the uv that resolves, by their hashes: whoever answers for the index cannot give another one. Of
// the wheels of a release those for Linux are listed.
const uvVersion = "0.13.9"

var uvWheels = []index.File{
	{Name: "uv-0.13.9-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", SHA256: "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19"},
	{Name: "uv-0.13.9-py3-none-musllinux_1_1_x86_64.whl", SHA256: "2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25"},
	{Name: "uv-0.13.9-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl", SHA256: "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe"},
	{Name: "uv-0.13.9-py3-none-manylinux_2_17_armv7l.manylinux2014_armv7l.musllinux_1_1_armv7l.whl", SHA256: "7ec1e1dd9b6cb335c301afdf877989df384227313981850755a59561f75e4ab8"},
	{Name: "uv-0.13.9-py3-none-manylinux_2_17_i686.manylinux2014_i686.whl", SHA256: "db5c8df7145c21ffea9c0f74e38823bac3af60cbadf0e26b8633f08627b17bab"},
	{Name: "uv-0.13.9-py3-none-musllinux_1_1_i686.whl", SHA256: "a2ee66fe8b6608e1482ab1bde5799da04705c1cb40324c7f66054ecf46ae6e40"},
	{Name: "uv-0.13.9-py3-none-manylinux_2_17_ppc64le.manylinux2014_ppc64le.whl", SHA256: "c5dbdb7c8737cd183a9dce95b39cfd1f3d54ec2a27a1bb58f160293f9ba2c805"},
	{Name: "uv-0.13.9-py3-none-manylinux_2_17_s390x.manylinux2014_s390x.whl", SHA256: "a6e845f387e4ed55bb59342957a9179e24a631fcc7668bda3426ae1cef8ed4b9"},
	{Name: "uv-0.13.9-py3-none-manylinux_2_31_riscv64.musllinux_1_1_riscv64.whl", SHA256: "6d5114bba238adddacb32fb11904f2b3ff4e988f8e9ff0d8d3b5e9822cf836b8"},
}

// uv adds the step that fetches uv for the build platform. The tool image has the base's C library on every platform.
func (s *stages) uv(settings string) (string, error) {
	machine, err := machine(s.in.BuildPlatform)
	if err != nil {
		return "", err
	}
	names := make([]string, len(uvWheels))
	for i, w := range uvWheels {
		names[i] = w.Name
	}
	on := python.Target{Python: s.python, Machine: machine, Libc: s.in.Facts.Libc}
	best, ok := python.BestWheel(names, on.Tags())
	if !ok {
		return "", s.ImageError(s.Base, fmt.Sprintf("without a lock, versions are chosen by uv %s, which has no wheel for %s", uvVersion, on), "commit a lock file")
	}
	query := s.query("uv", index.Query{Indexes: s.indexes(), Packages: []index.Package{{Name: "uv", Files: uvWheels[best : best+1]}}})
	return s.add(Step{ID: "uv", Stage: DepBuilder, Name: "[internal] fetch uv " + uvVersion, Origin: s.openOrigin(),
		Failure: &pyfile.Error{File: s.open.file, Range: s.open.at, Msg: "there is no lock file, and uv, which would choose versions, cannot be fetched; the reason is above",
			Hint: "commit a lock file, or declare an index that has uv"},
		Exec: s.ask([]string{"fetch"}, settings, query)}), nil
}
