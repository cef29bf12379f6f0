//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// privateTools makes the repository tools.git of examples/private-git in a new folder, with a commit that no build has seen, and the project with that commit
// in its lock. The server's address is put in later.
func privateTools(t *testing.T, submodule bool) (dir, folder, made string) {
	t.Helper()
	dir, files := t.TempDir(), t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../examples/private-git")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(files, os.DirFS("testdata/git-dependency")); err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	write(t, files, "UNIQUE", folder)
	bare := filepath.Join(folder, "tools.git")
	commit(t, files, bare)
	if submodule {
		addSubmodule(t, bare, "packages/greeting/greeting/words", files)
	}
	made = strings.TrimSpace(must(t, bare, "git", "rev-parse", "main"))
	lock, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	_, locked, _ := strings.Cut(string(lock), "v1.2.0#")
	replace(t, dir, "uv.lock", locked[:40], made)
	return dir, folder, made
}

// addSubmodule adds a commit with a submodule to a bare repository: one of those files, beside the repository.
func addSubmodule(t *testing.T, bare, at, files string) {
	t.Helper()
	words := filepath.Join(filepath.Dir(bare), "words.git")
	commit(t, files, words)
	work := filepath.Join(t.TempDir(), "work")
	must(t, ".", "git", "clone", "-q", bare, work)
	write(t, work, ".gitmodules", "[submodule \"words\"]\n\tpath = "+at+"\n\turl = ../words.git\n")
	must(t, work, "git", "add", ".gitmodules")
	must(t, work, "git", "update-index", "--add", "--cacheinfo", "160000,"+strings.TrimSpace(must(t, words, "git", "rev-parse", "main"))+","+at)
	must(t, work, "git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "words")
	must(t, work, "git", "push", "-q", "origin", "HEAD:main")
}

// served makes a project name the repositories of this server.
func served(t *testing.T, dir, address string) {
	t.Helper()
	for _, file := range []string{"pyproject.toml", "uv.lock"} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, file, strings.ReplaceAll(string(data), "ssh://git@git.example/", address))
	}
}

// refusedAt is a build that fails at a place, with a message.
func refusedAt(t *testing.T, log string, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("the build succeeds:\n%s", log)
	}
	got := report(log)
	wellWorded(t, got)
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("the report does not say %q:\n%s", w, got)
		}
	}
}

func TestPrivateGitPackageIsFetchedWithTheKeyOfSSH(t *testing.T) {
	dir, folder, made := privateTools(t, true)
	server := serveSSH(t, folder)
	served(t, dir, server.address)
	image := registryHost + "/test/private-git:ssh"

	log, err := labDaemon().build(t, dir)
	refusedAt(t, log, err, "uv.lock:9", "the commit "+made[:12]+" of greeting cannot be fetched from "+server.address+"tools.git: ", "--ssh default")
	log, err = labDaemon().build(t, dir, "--ssh", "default="+newKey(t))
	refusedAt(t, log, err, "Permission denied (publickey)", "with a key in the ssh agent that may read the repository")
	if n := server.asked(t); n != 0 {
		t.Errorf("without the key %d commands were run", n)
	}

	t.Setenv("SSH_AUTH_SOCK", agent(t, server.key))
	buildx(t, dir, image, "-f", "Pyfile", "--provenance=false", "--ssh", "default", ".")
	if got := run(t, image); got != "hello nonroot from a tag\n" {
		t.Errorf("the image prints %q", got)
	}
	if got := run(t, image, "python", "-c", "import greeting, os; print(os.listdir(greeting.__path__[0] + '/words'))"); !strings.Contains(got, "README.md") {
		t.Errorf("of the private submodule there is %s", got)
	}
	asked := server.asked(t)
	must(t, dir, "docker", "build", "-f", "Pyfile", "--ssh", "default", ".")
	if asked == 0 || server.asked(t) == asked {
		t.Error("nothing was fetched, by the lab's BuildKit or by the Docker Engine")
	}
	asked = server.asked(t)
	// What was fetched stays in the cache, whoever builds and with whatever key.
	for name, args := range map[string][]string{"another key": {"--ssh", "default=" + newKey(t)}, "no key": nil} {
		if digest, _ := labDaemon().push(t, dir, image, args...); server.asked(t) != asked || digest == "" {
			t.Errorf("with %s the server is asked again", name)
		}
	}
}

func TestPrivateGitPackageIsFetchedWithAToken(t *testing.T) {
	dir, folder, made := privateTools(t, false)
	server := serveToken(t, folder, secret)
	served(t, dir, server.address)
	t.Setenv("TOKEN", "wrong")
	t.Setenv("GIT_AUTH_TOKEN", secret)
	image := registryHost + "/test/private-git:token"

	for _, args := range [][]string{nil, {"--secret", "id=GIT_AUTH_TOKEN,env=TOKEN"}} {
		log, err := labDaemon().build(t, dir, args...)
		refusedAt(t, log, err, "uv.lock:9", "the commit "+made[:12]+" of greeting cannot be fetched from "+server.address+"tools.git: ", "--secret id=GIT_AUTH_TOKEN,env=GIT_AUTH_TOKEN")
	}
	_, log := labDaemon().push(t, dir, image, "--secret", "id=GIT_AUTH_TOKEN,env=GIT_AUTH_TOKEN", "--opt", "attest:provenance=mode=max")
	if strings.Contains(log, secret) {
		t.Errorf("the log shows the token:\n%s", log)
	}
	if got := run(t, image); got != "hello nonroot from a tag\n" {
		t.Errorf("the image prints %q", got)
	}
	asked := server.asked.Load()
	server.token.Store("another")
	t.Setenv("GIT_AUTH_TOKEN", "another")
	if labDaemon().push(t, dir, image, "--secret", "id=GIT_AUTH_TOKEN,env=GIT_AUTH_TOKEN"); server.asked.Load() != asked {
		t.Error("another token fetches again")
	}

	// Whoever puts the token into the address is told before anything is fetched.
	served(t, dir, server.address)
	for _, file := range []string{"pyproject.toml", "uv.lock"} {
		replace(t, dir, file, "http://127", "http://robot:"+secret+"@127")
	}
	log, err := labDaemon().build(t, dir)
	refusedAt(t, log, err, "uv.lock:11", "the address of the git repository has a password or token in it")
}

// TestRequirementOfAPrivateRepositoryIsResolved builds a project without a lock, whose branch only the repository knows.
func TestRequirementOfAPrivateRepositoryIsResolved(t *testing.T) {
	_, folder, _ := privateTools(t, false)
	ssh, token := serveSSH(t, folder), serveToken(t, folder, secret)
	t.Setenv("GIT_AUTH_TOKEN", secret)
	other := t.TempDir()
	key, err := os.ReadFile(newKey(t) + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	write(t, other, "known_hosts", ssh.host+string(key))
	type refusal struct {
		args []string
		why  string
	}
	for name, test := range map[string]struct {
		address string
		wrong   []refusal
		args    []string
	}{
		"ssh": {ssh.address, []refusal{
			{nil, "--ssh default"},
			{[]string{"--ssh", "default=" + ssh.key, "--secret", "id=known-hosts,src=" + filepath.Join(other, "known_hosts")}, "Host key verification failed"},
		}, []string{"--ssh", "default=" + ssh.key, "--secret", "id=known-hosts,src=" + ssh.known}},
		"token": {token.address, []refusal{{nil, "--secret id=GIT_AUTH_TOKEN,env=GIT_AUTH_TOKEN"}}, []string{"--secret", "id=GIT_AUTH_TOKEN,env=GIT_AUTH_TOKEN"}},
	} {
		dir, image := t.TempDir(), registryHost+"/test/private-git:resolved-"+name
		write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\ncmd = [\"python\", \"-c\", \"import greeting; print(greeting.__name__)\"]\n")
		write(t, dir, "requirements.txt", "greeting @ git+"+test.address+"tools.git@main#subdirectory=packages/greeting\n")
		for _, wrong := range test.wrong {
			log, err := labDaemon().build(t, dir, wrong.args...)
			refusedAt(t, log, err, "requirements.txt:1", "no versions could be chosen", wrong.why)
		}
		_, log := labDaemon().push(t, dir, image, test.args...)
		if strings.Contains(log, secret) {
			t.Errorf("%s: the log shows the token:\n%s", name, log)
		}
		if got := run(t, image); got != "greeting\n" {
			t.Errorf("%s: the image prints %q", name, got)
		}
	}
}

// TestBuildRequirementOfAPrivateRepositoryIsInstalled builds an application whose wheel needs the private package while it is built.
func TestBuildRequirementOfAPrivateRepositoryIsInstalled(t *testing.T) {
	_, folder, _ := privateTools(t, false)
	server := serveSSH(t, folder)
	dir, image := t.TempDir(), registryHost+"/test/private-git:build"
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\n")
	write(t, dir, "pyproject.toml", "[project]\nname = \"shop\"\ndynamic = [\"version\"]\nscripts = { shop = \"shop:main\" }\n"+
		"[build-system]\nrequires = [\"hatchling==1.27.0\", \"greeting @ git+"+server.address+"tools.git#subdirectory=packages/greeting\"]\nbuild-backend = \"hatchling.build\"\n"+
		"[tool.hatch.version]\nsource = \"code\"\npath = \"version.py\"\n")
	write(t, dir, "version.py", "import greeting\n\n__version__ = \"2.\" + str(len(greeting.greet(\"x\")))\n")
	write(t, dir, "shop/__init__.py", "from importlib.metadata import version\n\n\ndef main():\n    print(version(\"shop\"))\n")
	log, err := labDaemon().build(t, dir)
	refusedAt(t, log, err, "a build requirement cannot be fetched from git: ", "Permission denied (publickey)", "--ssh default")
	labDaemon().push(t, dir, image, "--ssh", "default="+server.key)
	if got := run(t, image); got != "2.18\n" {
		t.Errorf("the image prints %q", got)
	}
}

// TestPrivatePackagesHaveTheVersionOfTheirTag installs packages whose version only git knows, from a lock that has it and from one that has not.
func TestPrivatePackagesHaveTheVersionOfTheirTag(t *testing.T) {
	work, folder := t.TempDir(), t.TempDir()
	bare := filepath.Join(folder, "libs.git")
	write(t, work, "hatch/pyproject.toml", "[project]\nname = \"byhatch\"\ndynamic = [\"version\"]\n[build-system]\nrequires = [\"hatchling==1.27.0\", \"hatch-vcs==0.5.0\"]\nbuild-backend = \"hatchling.build\"\n"+
		"[tool.hatch.version]\nsource = \"vcs\"\nraw-options = { root = \"..\" }\n")
	write(t, work, "hatch/byhatch/__init__.py", "")
	write(t, work, "scm/pyproject.toml", "[project]\nname = \"byscm\"\ndynamic = [\"version\"]\n[build-system]\nrequires = [\"setuptools==80.9.0\", \"setuptools-scm==9.2.0\"]\nbuild-backend = \"setuptools.build_meta\"\n"+
		"[tool.setuptools]\npackages = [\"byscm\"]\n[tool.setuptools_scm]\nroot = \"..\"\n")
	write(t, work, "scm/byscm/__init__.py", "")
	write(t, work, "UNIQUE", folder)
	commit(t, work, bare)
	must(t, bare, "git", "tag", "v3.1", "main")
	made := strings.TrimSpace(must(t, bare, "git", "rev-parse", "main"))
	server := serveSSH(t, folder)
	for name, lock := range map[string][2]string{
		"without-versions": {"requirements.txt", "six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274\n" +
			"byscm @ git+ADDRESS@COMMIT#subdirectory=scm\nbyhatch @ git+ADDRESS@COMMIT#subdirectory=hatch\n"},
		"with-versions": {"pylock.toml", "lock-version = \"1.0\"\ncreated-by = \"test\"\n" +
			"[[packages]]\nname = \"byscm\"\nversion = \"3.1\"\nvcs = { type = \"git\", url = \"ADDRESS\", commit-id = \"COMMIT\", subdirectory = \"scm\" }\n" +
			"[[packages]]\nname = \"byhatch\"\nversion = \"3.1\"\nvcs = { type = \"git\", url = \"ADDRESS\", commit-id = \"COMMIT\", subdirectory = \"hatch\" }\n"},
	} {
		dir, image := t.TempDir(), registryHost+"/test/private-git:"+name
		write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\ncmd = [\"python\", \"-c\", \"from importlib.metadata import version; print(version('byscm'), version('byhatch'))\"]\n")
		write(t, dir, lock[0], strings.NewReplacer("ADDRESS", server.address+"libs.git", "COMMIT", made).Replace(lock[1]))
		labDaemon().push(t, dir, image, "--ssh", "default="+server.key)
		if got := run(t, image); got != "3.1 3.1\n" {
			t.Errorf("%s: the packages have the versions %q", name, got)
		}
	}
}
