package selling_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/billing"
	"onebook/internal/deal"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/member"
	"onebook/internal/order"
	"onebook/internal/org"
	"onebook/internal/rig"
	"onebook/internal/selling"
)

// bid opens a deal over 1,190.00 EUR with one line.
func bid(t *testing.T, r *rig.Rig, contactID string) deal.Deal {
	t.Helper()
	d, err := r.Selling.CreateDeal(r.Ctx, rig.Owner, deal.Input{ContactID: contactID, Title: " Website ", Lines: rig.Lines("1000.00").Lines})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// standing is what the deal's documents come to, and what does not fit.
func standing(t *testing.T, r *rig.Rig, d deal.Deal) (selling.Money, []string) {
	t.Helper()
	d, err := deal.Get(r.Ctx, r.Table, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	st, err := r.Selling.Standing(r.Ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	return st.Money, st.Mismatch
}

// From the first talk to the money: the estimate comes from the deal, the yes wins it in one write, the order and the
// invoice trace to it, and at each step its money stands beside its stage.
func TestADealIsFollowed(t *testing.T) {
	r, c := shop(t)
	d := bid(t, r, c)
	if d.State != deal.Open || d.Stage != "qualified" || d.Title != "Website" || *d.Amount != 119000 || d.Currency != "EUR" {
		t.Fatalf("%+v", d)
	}
	e, err := r.Selling.OfferDeal(r.Ctx, rig.As(member.Sales), d.ID)
	if err != nil || e.DealID != d.ID || e.Body.Totals.Total != 119000 {
		t.Fatal(e, err)
	}
	check := func(when string, want selling.Money, mismatch ...string) {
		t.Helper()
		got, why := standing(t, r, d)
		if got != want || !slices.Equal(why, append([]string{}, mismatch...)) {
			t.Errorf("%s: %+v %q", when, got, why)
		}
	}
	check("as a draft", selling.Money{})
	if e, err = r.Selling.Send(r.Ctx, rig.Owner, e.ID); err != nil {
		t.Fatal(err)
	}
	check("offered", selling.Money{Estimated: 119000})
	for range 2 {
		if e, err = r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada"); err != nil {
			t.Fatal(err)
		}
	}
	won, err := deal.Get(r.Ctx, r.Table, d.ID)
	if err != nil || won.State != deal.Won || won.EstimateID != e.ID || won.ClosedAt.IsZero() {
		t.Fatalf("%+v %v", won, err)
	}
	// One entry tells both: the yes and the deal are one write.
	if kinds := r.Kinds(c); count(kinds, "estimate.accepted") != 1 || count(kinds, "deal.won") != 0 {
		t.Errorf("%v", kinds)
	}
	es := r.Entries(c)
	if last := es[len(es)-1]; last.Refs["deal"] != d.ID {
		t.Errorf("the entry does not name the deal: %+v", last)
	}
	check("accepted", selling.Money{Estimated: 119000, Agreed: 119000}, "won, but nothing is billed")
	made, err := r.Selling.Convert(r.Ctx, rig.Owner, e.ID, order.Schedule{})
	if err != nil {
		t.Fatal(err)
	}
	if r.GetOrder(made.OrderID).DealID != d.ID || r.GetInvoice(made.InvoiceIDs[0]).DealID != d.ID {
		t.Error("order or invoice lost the deal")
	}
	check("ordered", selling.Money{Estimated: 119000, Agreed: 119000}, "won, but nothing is billed")
	i := r.Issue(made.InvoiceIDs[0])
	check("billed", selling.Money{Estimated: 119000, Agreed: 119000, Billed: 119000, Due: 119000})
	if _, err := r.Selling.ReopenDeal(r.Ctx, rig.Owner, d.ID); !errors.Is(err, fault.Unready) {
		t.Errorf("reopened although it is billed: %v", err)
	}
	r.Cash(i.ID, 19000)
	check("paid in part", selling.Money{Estimated: 119000, Agreed: 119000, Billed: 119000, Paid: 19000, Due: 100000})
}

// Invoices of a schedule trace to the deal of their order, those made later too.
func TestSharesTraceToTheDeal(t *testing.T) {
	r, c := shop(t)
	d := bid(t, r, c)
	e, err := r.Selling.OfferDeal(r.Ctx, rig.Owner, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Selling.Send(r.Ctx, rig.Owner, e.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Selling.Accept(r.Ctx, rig.Owner, e.ID, "Ada"); err != nil {
		t.Fatal(err)
	}
	made, err := r.Selling.Convert(r.Ctx, rig.Owner, e.ID, order.Schedule{Deposit: &order.Portion{Percent: rig.Dec("40")}})
	if err != nil {
		t.Fatal(err)
	}
	r.Issue(made.InvoiceIDs[0])
	if got, _ := standing(t, r, d); got.Billed != 47600 || got.Agreed != 119000 {
		t.Errorf("%+v", got)
	}
}

// A lost deal says why; what still stands of it is told; a client's yes wins it all the same.
func TestALostDeal(t *testing.T) {
	r, c := shop(t)
	d := bid(t, r, c)
	e, err := r.Selling.OfferDeal(r.Ctx, rig.Owner, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if e, err = r.Selling.Send(r.Ctx, rig.Owner, e.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Selling.LoseDeal(r.Ctx, rig.Owner, d.ID, " "); !slices.Equal(fieldsOf(t, err), []string{"reason:required"}) {
		t.Errorf("%v", err)
	}
	for range 2 {
		if got, err := r.Selling.LoseDeal(r.Ctx, rig.Owner, d.ID, "too dear"); err != nil || got.State != deal.Lost || got.Reason != "too dear" {
			t.Fatal(got, err)
		}
	}
	if n := count(r.Kinds(c), "deal.lost"); n != 1 {
		t.Errorf("lost %d times", n)
	}
	if _, why := standing(t, r, d); !slices.Equal(why, []string{"lost, but an estimate waits for its answer"}) {
		t.Errorf("%q", why)
	}
	if _, err := r.Selling.OfferDeal(r.Ctx, rig.Owner, d.ID); !errors.Is(err, fault.Unready) {
		t.Errorf("a lost deal was offered: %v", err)
	}
	if _, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada"); err != nil {
		t.Fatal(err)
	}
	if got, err := deal.Get(r.Ctx, r.Table, d.ID); err != nil || got.State != deal.Won || got.Reason != "" {
		t.Errorf("%+v %v", got, err)
	}
}

// What does not fit is told for each end of a deal.
func TestStageAndMoneyAreCompared(t *testing.T) {
	r, c := shop(t)
	d := bid(t, r, c)
	in := rig.Lines("100.00")
	i, err := r.Billing.Create(r.Ctx, rig.Owner, billing.Input{ContactID: c, DealID: d.ID, Body: in})
	if err != nil {
		t.Fatal(err)
	}
	if _, why := standing(t, r, d); len(why) != 0 {
		t.Errorf("a draft alarms: %q", why)
	}
	r.Issue(i.ID)
	if _, why := standing(t, r, d); !slices.Equal(why, []string{"open, but an invoice is issued"}) {
		t.Errorf("open: %q", why)
	}
	if _, err := r.Selling.LoseDeal(r.Ctx, rig.Owner, d.ID, "no"); err != nil {
		t.Fatal(err)
	}
	if got, why := standing(t, r, d); !slices.Equal(why, []string{"lost, but an invoice is open"}) || got.Due != 11900 {
		t.Errorf("lost: %q", why)
	}
	r.Cash(i.ID, 11900)
	if _, why := standing(t, r, d); len(why) != 0 {
		t.Errorf("lost and paid: %q", why)
	}
	other := rig.Lines("100.00")
	other.Currency = "USD"
	if _, err := r.Selling.ReopenDeal(r.Ctx, rig.Owner, d.ID); err != nil {
		t.Fatal(err)
	}
	e, err := r.Selling.Create(r.Ctx, rig.Owner, selling.Input{ContactID: c, DealID: d.ID, Body: other})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Selling.Send(r.Ctx, rig.Owner, e.ID); err != nil {
		t.Fatal(err)
	}
	if got, why := standing(t, r, d); got.Estimated != 0 || !slices.Contains(why, "there are documents in another currency, which are not counted here") {
		t.Errorf("two currencies: %+v %q", got, why)
	}
}

// A deal stays within its contact, names real stages and members, and is edited by one hand at a time.
func TestDealRefusals(t *testing.T) {
	r, c := shop(t)
	d := bid(t, r, c)
	other := r.Contact("Other", "").ID
	amount := int64(-1)
	for _, x := range []struct {
		in    deal.Input
		wrong []string
	}{
		{deal.Input{ContactID: c}, []string{"title:invalid"}},
		{deal.Input{ContactID: c, Title: "A", Stage: "nowhere"}, []string{"stage:not_found"}},
		{deal.Input{ContactID: c, Title: "A", OwnerID: "mb_nobody"}, []string{"ownerId:not_found"}},
		{deal.Input{ContactID: c, Title: "A", Amount: &amount, Currency: "XXY"}, []string{"amount:negative", "currency:invalid"}},
		{deal.Input{ContactID: "ct_x", Title: "A"}, []string{"contactId:not_found"}},
		{deal.Input{ContactID: c, Title: "A", Lines: rig.Lines("-1").Lines}, []string{"lines[0].unitPrice:negative_price"}},
	} {
		_, err := r.Selling.CreateDeal(r.Ctx, rig.Owner, x.in)
		if d := cmp.Diff(x.wrong, fieldsOf(t, err)); d != "" {
			t.Errorf("%+v: %s", x.in, d)
		}
	}
	_, err := r.Selling.Create(r.Ctx, rig.Owner, selling.Input{ContactID: other, DealID: d.ID, Body: rig.Lines("1")})
	if got := fieldsOf(t, err); !slices.Equal(got, []string{"dealId:other_contact"}) {
		t.Errorf("another contact's estimate: %v", got)
	}
	_, err = r.Billing.Create(r.Ctx, rig.Owner, billing.Input{ContactID: c, DealID: "dl_x", Body: rig.Lines("1")})
	if got := fieldsOf(t, err); !slices.Equal(got, []string{"dealId:not_found"}) {
		t.Errorf("a deal that is not there: %v", got)
	}
	in := deal.Input{Title: "Website", Stage: "proposal", Amount: d.Amount, OwnerID: d.OwnerID}
	moved, err := r.Selling.UpdateDeal(r.Ctx, rig.Owner, d.ID, d.Version(), in)
	if err != nil || moved.Stage != "proposal" {
		t.Fatal(moved, err)
	}
	if _, err := r.Selling.UpdateDeal(r.Ctx, rig.Owner, d.ID, d.Version(), in); !errors.Is(err, fault.Stale) {
		t.Errorf("a stale edit: %v", err)
	}
	for _, role := range []member.Role{member.Booking, member.Viewer} {
		if _, err := r.Selling.WinDeal(r.Ctx, rig.As(role), d.ID); !errors.Is(err, fault.Denied) {
			t.Errorf("%s: %v", role, err)
		}
	}
	set, err := r.Org.Get(r.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	next := set
	next.DealStages = []org.Stage{{Key: "talk", Name: "Talk", Probability: 5}}
	if _, err := r.Org.Update(r.Ctx, rig.Owner, set.Version(), next); !errors.Is(err, fault.Unready) {
		t.Errorf("the stage of a deal vanished: %v", err)
	}
	if _, err := r.Selling.WinDeal(r.Ctx, rig.Owner, d.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Org.Update(r.Ctx, rig.Owner, set.Version(), next); err != nil {
		t.Errorf("a stage that nobody stands in: %v", err)
	}
	if won, err := deal.Get(r.Ctx, r.Table, d.ID); err != nil || won.Stage != "proposal" {
		t.Errorf("a won deal lost the stage it had: %+v %v", won, err)
	}
}

// Deals are found by state, stage, owner and contact, a page at a time.
func TestDealsAreListed(t *testing.T) {
	r, c := shop(t)
	var all []string
	for range 5 {
		d := bid(t, r, c)
		all = append([]string{d.ID}, all...)
	}
	if _, err := r.Selling.LoseDeal(r.Ctx, rig.Owner, all[1], "no"); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		f    deal.Filter
		want int
	}{
		{deal.Filter{}, 5}, {deal.Filter{State: deal.Open}, 4}, {deal.Filter{State: deal.Lost}, 1}, {deal.Filter{Stage: "qualified"}, 5},
		{deal.Filter{Stage: "proposal"}, 0}, {deal.Filter{OwnerID: "mb_owner", State: deal.Open}, 4}, {deal.Filter{OwnerID: "mb_x"}, 0},
		{deal.Filter{Contacts: []string{c}, State: deal.Open}, 4}, {deal.Filter{Contacts: []string{r.Contact("Other", "").ID}}, 0},
	} {
		seen := map[string]bool{}
		for cursor := ""; ; {
			ds, next, err := deal.List(r.Ctx, r.Table, x.f, 2, cursor)
			if err != nil || len(ds) > 2 {
				t.Fatal(len(ds), err)
			}
			for _, d := range ds {
				seen[d.ID] = true
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		if len(seen) != x.want {
			t.Errorf("%+v: %d", x.f, len(seen))
		}
	}
	if e := r.GetEstimate(r.Estimate(c, rig.Lines("1")).ID); e.DealID != "" || e.State != estimate.Draft {
		t.Errorf("an estimate made by hand has a deal: %+v", e)
	}
}
