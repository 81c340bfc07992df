package app

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A secret that is changed is noticed within the time that it is kept, and a failure is never kept.
func TestForNoticesAChange(t *testing.T) {
	now := time.Unix(0, 0)
	value, broken := "old", true
	read := For(5*time.Minute, func() time.Time { return now }, func(context.Context) (string, error) {
		if broken {
			return "", errors.New("out of reach")
		}
		return value, nil
	})
	ask := func(want string) {
		t.Helper()
		if got, err := read(t.Context()); got != want || (err != nil) != (want == "") {
			t.Errorf("%q %v, want %q", got, err, want)
		}
	}
	ask("")
	broken = false
	ask("old")
	value = "new"
	now = now.Add(5*time.Minute - time.Second)
	ask("old")
	now = now.Add(time.Second)
	ask("new")
}
