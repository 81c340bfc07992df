package payment

import (
	"testing"

	"onebook/internal/vectors"
)

// Every pair of states may follow each other here exactly when it may in the published table.
func TestStates(t *testing.T) {
	vectors.States(t, "payment", func(from, to string) bool { return State(from).Can(State(to)) })
}
