package index

import (
	"errors"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// SecretOwner is the user that the files of build secrets belong to in steps that start pip or uv. Nobody else is that user there.
const SecretOwner = 65533

// withheld are the capabilities (capabilities(7)) by which root could read a file of another user, be that user, or look into a process
// that has them.
var withheld = []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH, unix.CAP_SETUID, unix.CAP_SYS_PTRACE, unix.CAP_PERFMON, unix.CAP_SYS_ADMIN}

// start starts a command that cannot read the secrets of this process, nor can anything that it starts: pip and uv run the code of the
// packages that they have to build. A daemon that gives a step no capability to drop others has to withhold them itself.
func start(cmd *exec.Cmd) error {
	if os.Geteuid() != 0 {
		return cmd.Start()
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with this function: what it lacks, no other goroutine shall
		for _, c := range withheld {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EINVAL) { // EINVAL: the kernel is older than it
				started <- err
				return
			}
		}
		// What may be inherited would be had in spite of that.
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var sets [2]unix.CapUserData
		err := unix.Capget(&header, &sets[0])
		if err == nil {
			sets[0].Inheritable, sets[1].Inheritable = 0, 0
			err = unix.Capset(&header, &sets[0])
		}
		if err == nil {
			err = cmd.Start()
		}
		started <- err
	}()
	return <-started
}
