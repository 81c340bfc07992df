package contact

import (
	"testing"
	"time"

	"onebook/internal/activity"
	"onebook/internal/vectors"
)

// Every pair of states may follow each other here exactly when it may in the published table.
func TestStates(t *testing.T) {
	vectors.States(t, "contact", func(from, to string) bool { return State(from).Can(State(to)) })
}

// What is stored reads as one state, and a merge comes before an archive.
func TestStateOf(t *testing.T) {
	archived := Contact{ArchivedAt: time.Unix(1, 0)}
	for _, c := range []struct {
		c    Contact
		h    activity.Head
		want State
	}{{Contact{}, activity.Head{}, Active}, {archived, activity.Head{}, Archived}, {archived, activity.Head{MergedInto: "ct_x"}, Merged}} {
		if got := stateOf(c.c, c.h); got != c.want {
			t.Errorf("%+v: %s, want %s", c.h, got, c.want)
		}
	}
}
