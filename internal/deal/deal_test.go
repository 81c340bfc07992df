package deal

import (
	"errors"
	"testing"
	"time"

	"onebook/internal/fault"
	"onebook/internal/vectors"
)

// Every pair of states may follow each other here exactly when it may in the published table.
func TestStates(t *testing.T) {
	vectors.States(t, "deal", func(from, to string) bool { return State(from).Can(State(to)) })
}

// Winning needs an amount, losing a reason, and neither follows the other without a reopening.
func TestEnds(t *testing.T) {
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	amount := int64(100)
	d := Deal{State: Open}
	if err := d.Win(now); !errors.Is(err, fault.Unready) || d.State != Open {
		t.Errorf("won without an amount: %v", err)
	}
	if err := d.Lose("  ", now); !errors.Is(err, fault.Invalid) || d.State != Open {
		t.Errorf("lost without a reason: %v", err)
	}
	d.Amount = &amount
	if err := d.Win(now); err != nil || d.State != Won || !d.ClosedAt.Equal(now) {
		t.Fatal(d, err)
	}
	if err := d.Lose("too dear", now); !errors.Is(err, fault.Unready) {
		t.Errorf("a won deal was lost: %v", err)
	}
	d.Reopen()
	if err := d.Lose(" too dear ", now); err != nil || d.State != Lost || d.Reason != "too dear" {
		t.Fatal(d, err)
	}
	if err := d.Win(now); !errors.Is(err, fault.Unready) {
		t.Errorf("a lost deal was won: %v", err)
	}
	if changed, err := d.Accepted("es_1", 100, "EUR", now); !changed || err != nil || d.State != Won || d.Reason != "" || d.EstimateID != "es_1" {
		t.Errorf("a yes did not win it: %+v %v", d, err)
	}
	if changed, err := d.Accepted("es_2", 100, "EUR", now); changed || err != nil || d.EstimateID != "es_1" {
		t.Errorf("a second yes won it again: %+v %v", d, err)
	}
}
