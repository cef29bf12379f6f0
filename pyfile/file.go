package pyfile

// File is what the user wrote. It holds values with their positions and no defaults: what is not set has the zero Range.
// A *File that Parse returned without error is valid.
type File struct {
	Name string // as the user named it: "Pyfile", "pyproject.toml"
	Data []byte // as read, unchanged: positions depend on it

	Python  String
	Base    String
	Builder String

	Cmd        List
	Entrypoint List
	Env        []Pair // in file order: a map would make the output depend on chance
	Labels     []Pair
	Expose     List // "8000" or "8000/udp"
	Volumes    List // absolute paths
	Workdir    String
	User       String // name, uid, name:group or uid:gid
	StopSignal String
	// Healthcheck is nil when the Pyfile has none.
	Healthcheck *Healthcheck

	Dependencies   Dependencies
	ConfigSettings []PackageSettings
	App            App
	Apt            Apt
	Steps          []Step
	Test           Test
	Indexes        []Index
	Verify         Verify
	Layers         Layers
	Bytecode       Bytecode
	Slim           Slim
	Args           []Arg
}

// String is a string of the file. Value has `${NAME}` replaced.
type String struct {
	Value string
	Range Range
}

// Set tells whether the user wrote the value.
func (s String) Set() bool { return !s.Range.IsZero() }

// Bool is a boolean of the file.
type Bool struct {
	Value bool
	Range Range
}

// Set tells whether the user wrote the value.
func (b Bool) Set() bool { return !b.Range.IsZero() }

// Int is an integer of the file.
type Int struct {
	Value int64
	Range Range
}

// Set tells whether the user wrote the value.
func (i Int) Set() bool { return !i.Range.IsZero() }

// List is a list of strings. Range is that of the key; it tells an empty list from an absent one.
type List struct {
	Items []String
	Range Range
}

// Set tells whether the user wrote the list.
func (l List) Set() bool { return !l.Range.IsZero() }

// Values returns the strings without their positions.
func (l List) Values() []string {
	out := make([]string, len(l.Items))
	for i, s := range l.Items {
		out[i] = s.Value
	}
	return out
}

// Pair is one entry of a table whose keys the user chooses.
type Pair struct {
	Key   String
	Value String
}

// Healthcheck is the [healthcheck] table, with Dockerfile's HEALTHCHECK semantics. Durations are Go's: "30s", "1m30s".
type Healthcheck struct {
	Cmd           List // exec form
	Interval      String
	Timeout       String
	StartPeriod   String
	StartInterval String
	Retries       Int
	Range         Range
}

// Dependencies is the [dependencies] table.
type Dependencies struct {
	// Lock is one path of a lock file, or requirements files.
	Lock List
	// LockIsList tells that the user wrote a list: requirements files.
	LockIsList       bool
	Project          String
	Groups           List
	Extras           List
	FromSource       List
	BuildConstraints String
	AllowNetwork     List
	Range            Range
}

// PackageSettings is one [config-settings.NAME] table (PEP 517 config settings). A setting that is a list has several values;
// the Range of Values is that of the key.
type PackageSettings struct {
	Name     String
	Settings []Setting
}

// Setting is one PEP 517 config setting.
type Setting struct {
	Key    String
	Values List
}

// App is the [app] table.
type App struct {
	Install String // "wheel", "source" or "none"
	Include List
	Exclude List
	Range   Range
}

// Apt is the [apt] table: packages of the distribution.
type Apt struct {
	Run   List
	Build List
	Range Range
}

// Step is one [steps.NAME] table.
type Step struct {
	Name    String
	Run     List
	Env     []Pair
	Network Bool
	Secrets List
	User    String
	Apt     List
}

// Test is the [test] table.
type Test struct {
	Groups List
	Extras List
	Run    List
	Range  Range
}

// Index is one [index.NAME] table.
type Index struct {
	Name     String
	URL      String
	Secret   String
	Username String
}

// Verify is the [verify] table.
type Verify struct {
	Ignore List
	Range  Range
}

// Layers is the [layers] table.
type Layers struct {
	Max Int
	// Own is a size as the user wrote it; OwnBytes is its value, 0 when Own is not set.
	Own      String
	OwnBytes int64
	Range    Range
}

// Bytecode is the [bytecode] table.
type Bytecode struct {
	Dependencies Bool
	Stdlib       Bool
	Tests        Bool
	Range        Range
}

// Slim is the [slim] table.
type Slim struct {
	Remove List
	Strip  Bool
	Range  Range
}

// Arg is one build argument of [args] with its default. Value is what the build uses: the user's value, or the default.
type Arg struct {
	Name    String
	Default String
	Value   string
}
