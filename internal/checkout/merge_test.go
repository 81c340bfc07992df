package checkout_test

import (
	"errors"
	"sync"
	"testing"

	"onebook/internal/activity"
	"onebook/internal/contact"
	"onebook/internal/fault"
	"onebook/internal/rig"
)

// A client who pays at the moment in which the record is merged into another, or taken out of it again, has paid exactly
// once, and the money lies with the invoice's own record.
func TestPaymentMeetsAMerge(t *testing.T) {
	for range 8 {
		r, c, i := shop(t)
		other := r.Contact("A. Lovelace", "")
		page := r.Page(i, 0)
		r.Bank.Pay(page.URL, rig.Succeed)
		var wg sync.WaitGroup
		var m contact.Merge
		for _, ev := range r.Bank.Told() {
			wg.Add(1)
			go func() {
				defer wg.Done()
				r.Webhook(ev)
			}()
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				var err error
				if m, err = r.Contacts.Merge(r.Ctx, rig.Owner, other.ID, contact.MergeInput{MergedID: c}); !errors.Is(err, fault.Busy) {
					if err != nil {
						t.Error(err)
					}
					return
				}
			}
		}()
		wg.Wait()
		settled(t, r, c, i)
		if who, err := r.Contacts.Get(r.Ctx, c); err != nil || who.ID != other.ID || len(who.Balance) != 0 {
			t.Errorf("%+v %v", who, err)
		}
		// Paid once more under the record that is gone: credit of both together, and of it alone when they are two again.
		r.Cash(i.ID, 500)
		if who, err := r.Contacts.Get(r.Ctx, other.ID); err != nil || len(who.Balance) != 1 || who.Balance[0].Credit != 500 {
			t.Errorf("%+v %v", who.Balance, err)
		}
		if _, err := r.Contacts.Undo(r.Ctx, rig.Owner, m.ID, nil); err != nil {
			t.Fatal(err)
		}
		if b := r.Head(c, "EUR"); b != (activity.Balance{Credit: 500}) {
			t.Errorf("%+v", b)
		}
		if b := r.Head(other.ID, "EUR"); b != (activity.Balance{}) {
			t.Errorf("%+v", b)
		}
		r.Entries(c) // verifies
		r.Entries(other.ID)
	}
}
