package letter_test

import (
	"fmt"
	"testing"

	"onebook/internal/effect"
	"onebook/internal/letter"
	"onebook/internal/rig"
)

// The sender dies after the mail service took the offer, and the client accepts it before the service's report comes. The
// offer went out all the same, and the history says so.
func TestAnsweredBeforeTheReport(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("1.00"))
	r.Mail.Fail = func(letter.Message) (bool, error) {
		return true, fmt.Errorf("%w: the process was killed", effect.ErrAmbiguous)
	}
	r.Drain()
	if n := len(r.Mail.Sent()); n != 1 {
		t.Fatalf("%d letters", n)
	}
	if _, err := r.Selling.Accept(r.Ctx, rig.Owner, e.ID, "Ada Lovelace"); err != nil {
		t.Fatal(err)
	}
	report(t, r, "Send", r.Mail.Sent()[0].Tag, "ses-1")
	if n := times(r.Kinds(c), "letter.sent"); n != 1 {
		t.Errorf("the history tells of %d letters", n)
	}
}
