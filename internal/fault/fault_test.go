package fault

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var kinds = []Kind{Invalid, Denied, NotFound, Exists, Stale, Unready, Busy}

// Code decides by kind, however deep the error was wrapped, and one kind is never taken for another.
func TestKinds(t *testing.T) {
	words := map[string]bool{}
	for _, k := range kinds {
		for name, err := range map[string]error{
			"the kind": k, "an error": k.Errorf("no"), "wrapped": fmt.Errorf("invoice 7: %w", k.Errorf("no")), "the kind, wrapped": fmt.Errorf("x: %w", k),
			"coded": k.Errorf("no").Coded("special"), "with data": k.Errorf("no").With("contactId", "ct_1"), "joined": errors.Join(io.EOF, k.Errorf("no")),
		} {
			if KindOf(err) != k {
				t.Errorf("%s of %v is of the kind %v", name, k, KindOf(err))
			}
			for _, other := range kinds {
				if errors.Is(err, other) != (k == other) {
					t.Errorf("%s of %v: is it %v? %t", name, k, other, errors.Is(err, other))
				}
			}
		}
		if k.Error() == "" || words[k.Error()] || k.Errorf("no").Code != k.Error() {
			t.Errorf("%d has the word %q", k, k.Error())
		}
		words[k.Error()] = true
	}
	for _, err := range []error{nil, io.EOF, fmt.Errorf("x: %w", io.EOF)} {
		if KindOf(err) != 0 {
			t.Errorf("%v is of the kind %v, not internal", err, KindOf(err))
		}
	}
	if len(words) != 7 {
		t.Errorf("%d kinds", len(words))
	}
}

// The message is for the person, the cause for the program.
func TestErrorfKeepsTheCause(t *testing.T) {
	err := Busy.Errorf("the table is busy, try again: %w", io.ErrUnexpectedEOF)
	if err.Error() != "the table is busy, try again: unexpected EOF" || !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, Busy) {
		t.Errorf("%v", err)
	}
	if Invalid.Errorf("no").Unwrap() != nil {
		t.Error("a cause from nowhere")
	}
}

// An error that is given a code or data is a copy: the one it was made from is used elsewhere.
func TestCopies(t *testing.T) {
	base := Exists.Errorf("somebody has this address")
	one := base.With("contactId", "ct_1")
	two := one.Coded("email_taken").With("since", 2025)
	if base.Data != nil || base.Code != "exists" || len(one.Data) != 1 || one.Code != "exists" {
		t.Errorf("changed: %+v, %+v", base, one)
	}
	if diff := cmp.Diff(map[string]any{"contactId": "ct_1", "since": 2025}, two.Data); diff != "" || two.Code != "email_taken" || two.Message != base.Message {
		t.Errorf("%+v %s", two, diff)
	}
}

// A form learns of all its wrong fields at once, each by its path from the top.
func TestFields(t *testing.T) {
	var f Fields
	if f.Err() != nil {
		t.Error("nothing is wrong, and yet an error")
	}
	f.Add("currency", "unknown", "%q is no currency", "XXX")
	var line Fields
	line.Add("tax.rate", "required", "a rate is needed")
	line.Add("[0]", "odd", "an element of its own")
	if err := f.Join("lines[2]", line.Err()); err != nil {
		t.Errorf("joined: %v", err)
	}
	if err := f.Join("", InField("name", "required", "a name is needed")); err != nil {
		t.Error(err)
	}
	if err := f.Join("dueOn", fmt.Errorf("wrapped: %w", Invalid.Errorf("no date").Coded("not_a_date"))); err != nil {
		t.Error(err)
	}
	want := Fields{
		{"currency", "unknown", `"XXX" is no currency`},
		{"lines[2].tax.rate", "required", "a rate is needed"},
		{"lines[2][0]", "odd", "an element of its own"},
		{"name", "required", "a name is needed"},
		{"dueOn", "not_a_date", "no date"},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	var e *Error
	if err := f.Err(); !errors.As(err, &e) || e.Kind != Invalid || len(e.Fields) != 5 || !strings.Contains(e.Message, "XXX") || !strings.Contains(e.Message, "4 more") {
		t.Errorf("%+v", e)
	}
}

// Only what the client did wrong becomes a wrong field; a broken disk is not his fault, nor is a missing thing.
func TestJoinPassesOn(t *testing.T) {
	var f Fields
	for _, err := range []error{io.EOF, NotFound.Errorf("no such item"), fmt.Errorf("x: %w", Busy.Errorf("later"))} {
		if got := f.Join("lines", err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
	if err := f.Join("lines", nil); err != nil || f.Err() != nil {
		t.Errorf("%v, %v", err, f)
	}
}
