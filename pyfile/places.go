package pyfile

// stringOrList is the place of a key that takes either.
type stringOrList struct {
	list   *List
	isList *bool
}

// places tells where the value of each key goes. The type of the place is that of the value.
var places = map[string]func(*File) any{
	"python":      func(f *File) any { return &f.Python },
	"base":        func(f *File) any { return &f.Base },
	"builder":     func(f *File) any { return &f.Builder },
	"cmd":         func(f *File) any { return &f.Cmd },
	"entrypoint":  func(f *File) any { return &f.Entrypoint },
	"env":         func(f *File) any { return &f.Env },
	"labels":      func(f *File) any { return &f.Labels },
	"expose":      func(f *File) any { return &f.Expose },
	"volumes":     func(f *File) any { return &f.Volumes },
	"workdir":     func(f *File) any { return &f.Workdir },
	"user":        func(f *File) any { return &f.User },
	"stop-signal": func(f *File) any { return &f.StopSignal },

	"healthcheck.cmd":            func(f *File) any { return &f.Healthcheck.Cmd },
	"healthcheck.interval":       func(f *File) any { return &f.Healthcheck.Interval },
	"healthcheck.timeout":        func(f *File) any { return &f.Healthcheck.Timeout },
	"healthcheck.start-period":   func(f *File) any { return &f.Healthcheck.StartPeriod },
	"healthcheck.start-interval": func(f *File) any { return &f.Healthcheck.StartInterval },
	"healthcheck.retries":        func(f *File) any { return &f.Healthcheck.Retries },

	"dependencies.lock":              func(f *File) any { return stringOrList{&f.Dependencies.Lock, &f.Dependencies.LockIsList} },
	"dependencies.project":           func(f *File) any { return &f.Dependencies.Project },
	"dependencies.groups":            func(f *File) any { return &f.Dependencies.Groups },
	"dependencies.extras":            func(f *File) any { return &f.Dependencies.Extras },
	"dependencies.from-source":       func(f *File) any { return &f.Dependencies.FromSource },
	"dependencies.build-constraints": func(f *File) any { return &f.Dependencies.BuildConstraints },
	"dependencies.allow-network":     func(f *File) any { return &f.Dependencies.AllowNetwork },

	"config-settings.NAME": func(f *File) any { return &last(f.ConfigSettings).Settings },

	"app.install": func(f *File) any { return &f.App.Install },
	"app.include": func(f *File) any { return &f.App.Include },
	"app.exclude": func(f *File) any { return &f.App.Exclude },

	"apt.run":   func(f *File) any { return &f.Apt.Run },
	"apt.build": func(f *File) any { return &f.Apt.Build },

	"steps.NAME.run":     func(f *File) any { return &last(f.Steps).Run },
	"steps.NAME.env":     func(f *File) any { return &last(f.Steps).Env },
	"steps.NAME.network": func(f *File) any { return &last(f.Steps).Network },
	"steps.NAME.secrets": func(f *File) any { return &last(f.Steps).Secrets },
	"steps.NAME.user":    func(f *File) any { return &last(f.Steps).User },
	"steps.NAME.apt":     func(f *File) any { return &last(f.Steps).Apt },

	"test.groups": func(f *File) any { return &f.Test.Groups },
	"test.extras": func(f *File) any { return &f.Test.Extras },
	"test.run":    func(f *File) any { return &f.Test.Run },

	"index.NAME.url":      func(f *File) any { return &last(f.Indexes).URL },
	"index.NAME.secret":   func(f *File) any { return &last(f.Indexes).Secret },
	"index.NAME.username": func(f *File) any { return &last(f.Indexes).Username },

	"verify.ignore": func(f *File) any { return &f.Verify.Ignore },

	"layers.max": func(f *File) any { return &f.Layers.Max },
	"layers.own": func(f *File) any { return &f.Layers.Own },

	"bytecode.dependencies": func(f *File) any { return &f.Bytecode.Dependencies },
	"bytecode.stdlib":       func(f *File) any { return &f.Bytecode.Stdlib },
	"bytecode.tests":        func(f *File) any { return &f.Bytecode.Tests },

	"slim.remove": func(f *File) any { return &f.Slim.Remove },
	"slim.strip":  func(f *File) any { return &f.Slim.Strip },

	"args": func(f *File) any { return &f.Args },
}

func last[T any](list []T) *T { return &list[len(list)-1] }
