package python

import "strings"

// Environment holds the values of the marker variables, as the dependency specifiers specification names them. What
// cannot be known of a target, like the release of the kernel, is empty.
type Environment struct {
	OSName                       string // os_name: "posix"
	SysPlatform                  string // sys_platform: "linux"
	PlatformSystem               string // platform_system: "Linux"
	PlatformMachine              string // platform_machine: "x86_64"
	PlatformRelease              string // platform_release
	PlatformVersion              string // platform_version
	PlatformPythonImplementation string // platform_python_implementation: "CPython"
	ImplementationName           string // implementation_name: "cpython"
	ImplementationVersion        string // implementation_version: "3.13.5"
	PythonVersion                string // python_version: "3.13"
	PythonFullVersion            string // python_full_version: "3.13.5"

	// Extra are the activated extras: `extra == "x"` holds when x is among them. Names are compared normalised.
	Extra []string
	// Extras and DependencyGroups are the sets of PEP 751, for `"x" in extras` and `"g" in dependency_groups`.
	Extras, DependencyGroups []string
}

// variable is a marker variable.
type variable uint8

const (
	noVariable variable = iota
	osName
	sysPlatform
	platformSystem
	platformMachine
	platformRelease
	platformVersion
	platformPythonImplementation
	implementationName
	implementationVersion
	pythonVersion
	pythonFullVersion
	extra
	extras
	dependencyGroups
)

var variableNames = [...]string{
	osName:                       "os_name",
	sysPlatform:                  "sys_platform",
	platformSystem:               "platform_system",
	platformMachine:              "platform_machine",
	platformRelease:              "platform_release",
	platformVersion:              "platform_version",
	platformPythonImplementation: "platform_python_implementation",
	implementationName:           "implementation_name",
	implementationVersion:        "implementation_version",
	pythonVersion:                "python_version",
	pythonFullVersion:            "python_full_version",
	extra:                        "extra",
	extras:                       "extras",
	dependencyGroups:             "dependency_groups",
}

func (v variable) String() string { return variableNames[v] }

// variableNamed knows the names of the specification and those of PEP 345.
func variableNamed(name string) variable {
	switch name {
	case "os_name", "os.name":
		return osName
	case "sys_platform", "sys.platform":
		return sysPlatform
	case "platform_system":
		return platformSystem
	case "platform_machine", "platform.machine":
		return platformMachine
	case "platform_release":
		return platformRelease
	case "platform_version", "platform.version":
		return platformVersion
	case "platform_python_implementation", "platform.python_implementation", "python_implementation":
		return platformPythonImplementation
	case "implementation_name":
		return implementationName
	case "implementation_version":
		return implementationVersion
	case "python_version":
		return pythonVersion
	case "python_full_version":
		return pythonFullVersion
	case "extra":
		return extra
	case "extras":
		return extras
	case "dependency_groups":
		return dependencyGroups
	}
	return noVariable
}

// isVersion tells whether the values of the variable are compared as versions where they are versions.
func (v variable) isVersion() bool {
	return v == pythonVersion || v == pythonFullVersion || v == implementationVersion || v == platformRelease
}

// isSet tells whether the variable only takes part in `"x" in ...`.
func (v variable) isSet() bool { return v == extras || v == dependencyGroups }

// value returns the value of a variable that is one string.
func (e *Environment) value(v variable) string {
	switch v {
	case osName:
		return e.OSName
	case sysPlatform:
		return e.SysPlatform
	case platformSystem:
		return e.PlatformSystem
	case platformMachine:
		return e.PlatformMachine
	case platformRelease:
		return e.PlatformRelease
	case platformVersion:
		return e.PlatformVersion
	case platformPythonImplementation:
		return e.PlatformPythonImplementation
	case implementationName:
		return e.ImplementationName
	case implementationVersion:
		return e.ImplementationVersion
	case pythonVersion:
		return e.PythonVersion
	case pythonFullVersion:
		// A Python built from a checkout calls itself "3.14.0+", which is not a version.
		if strings.HasSuffix(e.PythonFullVersion, "+") {
			return e.PythonFullVersion + "local"
		}
		return e.PythonFullVersion
	}
	return ""
}

// set returns the members of a variable that holds several names.
func (e *Environment) set(v variable) []string {
	switch v {
	case extra:
		return e.Extra
	case extras:
		return e.Extras
	}
	return e.DependencyGroups
}
