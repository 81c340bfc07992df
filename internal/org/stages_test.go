package org

import (
	"context"
	"errors"
	"testing"

	"onebook/internal/fault"
)

// A stage in which an open deal stands does not vanish; one that is empty does, and any may be renamed and moved.
func TestStagesInUseStay(t *testing.T) {
	s := &Service{StageInUse: func(_ context.Context, key string) (bool, error) { return key == "proposal", nil }}
	old := Defaults()
	for _, x := range []struct {
		what string
		next []Stage
		free bool
	}{
		{"the one in use", old.DealStages[:2], false},
		{"an empty one", old.DealStages[1:], true},
		{"another name and order", []Stage{{"proposal", "Offer", 10}, old.DealStages[3], old.DealStages[0], old.DealStages[1]}, true},
	} {
		next := old
		next.DealStages = x.next
		err := s.keepStages(context.Background(), old, next)
		if x.free && err != nil || !x.free && !errors.Is(err, fault.Unready) {
			t.Errorf("%s: %v", x.what, err)
		}
	}
}

// What is wrong with stages is named where it stands.
func TestStagesAreChecked(t *testing.T) {
	for _, x := range []struct {
		stages []Stage
		field  string
	}{
		{nil, "dealStages"},
		{make([]Stage, 21), "dealStages"},
		{[]Stage{{"a b", "A", 1}}, "dealStages[0].key"},
		{[]Stage{{"a", "A", 1}, {"a", "B", 1}}, "dealStages[1].key"},
		{[]Stage{{"a", "A", 1}, {"b", "A", 1}}, "dealStages[1].name"},
		{[]Stage{{"a", " ", 1}}, "dealStages[0].name"},
		{[]Stage{{"a", "A", 101}}, "dealStages[0].probability"},
		{[]Stage{{"a", "A", -1}}, "dealStages[0].probability"},
	} {
		s := Defaults()
		s.DealStages = x.stages
		var f *fault.Error
		if err := s.check(); !errors.As(err, &f) || len(f.Fields) != 1 || f.Fields[0].Field != x.field {
			t.Errorf("%v: %v", x.stages, err)
		}
	}
	s := Defaults()
	if err := s.check(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}
