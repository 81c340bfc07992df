package invoice

import (
	"testing"

	"onebook/internal/vectors"
)

// Every pair of states may follow each other here exactly when it may in the published table.
func TestStates(t *testing.T) {
	vectors.States(t, "invoice", func(from, to string) bool { return State(from).Can(State(to)) })
}

// A letter goes from state to state exactly as the published table says.
func TestDeliveryStates(t *testing.T) {
	vectors.States(t, "outbound_message", func(from, to string) bool { return DeliveryState(from).Can(DeliveryState(to)) })
}

// A report that leaves a step out is news; one that would lead back, or comes again, is not.
func TestReportsInAnyOrder(t *testing.T) {
	for _, c := range []struct {
		from, to DeliveryState
		news     bool
	}{
		{Sent, Delivered, true}, {Sent, Complained, true}, {Delivered, Complained, true}, {Complained, Delivered, false},
		{Delivered, Delivered, false}, {Bounced, Delivered, false}, {Delivered, Bounced, true}, {Opened, Delivered, false},
	} {
		if got := c.from.After(c.to); got != c.news {
			t.Errorf("%s, then %s: news is %v", c.from, c.to, got)
		}
	}
}
