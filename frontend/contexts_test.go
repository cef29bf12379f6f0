package frontend

import (
	"maps"
	"slices"
	"testing"
)

func TestStagesAreReplacedForAllPlatformsOrForSome(t *testing.T) {
	opts := map[string]string{
		"context:base::linux/arm64": "input:base::linux/arm64", "context:base::linux/amd64": "input:base::linux/amd64", "context:final": "docker-image://x",
		"context:basement": "docker-image://x", "context:python:3.13-slim": "docker-image://x", "target": "test",
	}
	if got := replacedStages(opts); !slices.Equal(got, []string{"base", "final"}) {
		t.Errorf("got %v", got)
	}
}

func TestTargetsOfABakeFileAreLeftOutOfACall(t *testing.T) {
	opts := map[string]string{"context:base": "target:base", "context:final": "docker-image://target:1", "target": "target:x"}
	leaveTargets(opts)
	if got := slices.Sorted(maps.Keys(opts)); !slices.Equal(got, []string{"context:final", "target"}) {
		t.Errorf("left are %v", got)
	}
}
