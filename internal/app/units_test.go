package app_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/activity"
	"onebook/internal/billing"
	"onebook/internal/checkout"
	"onebook/internal/contact"
	"onebook/internal/effect"
	"onebook/internal/member"
	"onebook/internal/order"
	"onebook/internal/rig"
	"onebook/internal/sale"
	"onebook/internal/selling"
	"onebook/internal/store"
)

var update = flag.Bool("update", false, "publish the measured units anew")

// row is what one deed costs, in write units: its transaction, its index writes, its idempotency record.
type row struct {
	deed               string
	write, index, once int
	goal               int // performance.md; 0: none is set
}

// tenLines is the invoice of performance.md.
func tenLines() sale.Input {
	in := sale.Input{Notes: "Thank you for your order. Please pay within two weeks."}
	for n := range 10 {
		in.Lines = append(in.Lines, sale.LineInput{
			Name: fmt.Sprintf("Photography, session %d of ten", n+1), Quantity: rig.Dec("1.5"), Unit: "hour", UnitPrice: rig.Dec("150.00"), TaxClass: "standard",
		})
	}
	return in
}

// measure does each deed once on a ten-line document and answers what it cost.
func measure(t *testing.T) []row {
	var now row
	r := rig.New(t, func(tb store.Table) store.Table {
		return store.Meter(tb, func(op store.Op, units, index int) {
			if op.Item.Kind == activity.OnceKind {
				now.once += units
				return
			}
			now.write += units
			now.index += index
		})
	})
	r.Organise()
	n := 0
	by := func(who activity.By) activity.By {
		n++
		who.Once = &activity.Once{Key: fmt.Sprintf("%043d", n), Request: strings.Repeat("r", 43), Status: 201}
		return who
	}
	fail := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var rows []row
	cost := func(deed string, goal int, do func() error) {
		t.Helper()
		now = row{}
		fail(do())
		now.deed, now.goal = deed, goal
		rows = append(rows, now)
	}
	c, err := r.Contacts.Create(r.Ctx, rig.Owner, contact.Input{
		Kind: contact.Person, Name: "Ada Lovelace", Emails: []contact.EmailInput{{Address: "ada@client.example"}},
	})
	fail(err)
	e := r.Estimate(c.ID, tenLines())
	cost("estimate: send", 0, func() error { return second(r.Selling.Send(r.Ctx, by(rig.Owner), e.ID)) })
	e = r.GetEstimate(e.ID)
	cost("estimate: accept", 0, func() error { return second(r.Selling.Accept(r.Ctx, by(rig.Client(e.LinkID)), e.ID, "Ada Lovelace")) })
	var made selling.Converted
	cost("estimate: convert to order and draft", 0, func() error {
		made, err = r.Selling.Convert(r.Ctx, by(rig.Owner), e.ID, order.Schedule{})
		return err
	})
	cost("invoice: issue one that bills an order", 0, func() error { return second(r.Billing.Issue(r.Ctx, by(rig.Owner), made.InvoiceIDs[0])) })
	var id string
	cost("invoice: draft", 10, func() error {
		i, err := r.Billing.Create(r.Ctx, by(rig.Owner), billing.Input{ContactID: c.ID, Body: tenLines()})
		id = i.ID
		return err
	})
	cost("invoice: issue", 20, func() error { return second(r.Billing.Issue(r.Ctx, by(rig.Owner), id)) })
	i := r.GetInvoice(id)
	lane := func(name string) func() error {
		return func() error {
			for shard := range effect.Shards {
				p, err := r.Table.List(r.Ctx, store.Query{Index: store.Due, Partition: effect.DuePartition(shard)})
				if err != nil {
					return err
				}
				for _, it := range p.Items {
					if e, err := effect.Get(r.Ctx, r.Table, it.PK[len("EFFECT#"):]); err != nil {
						return err
					} else if strings.HasPrefix(e.Kind, name) && e.Subject == i.ID {
						if err := r.Runner.Run(r.Ctx, e.ID); err != nil {
							return err
						}
					}
				}
			}
			return nil
		}
	}
	cost("effect: the PDF", 0, lane("pdf."))
	cost("invoice: send", 0, func() error { return second(r.Billing.Send(r.Ctx, by(rig.Owner), id)) })
	cost("effect: a letter", 0, lane("mail.invoice"))
	cost("invoice: the client opens it", 0, func() error { return r.Billing.View(r.Ctx, by(rig.Client(i.LinkID)), id) })
	var page checkout.Page
	cost("payment: open the page", 0, func() error {
		page, err = r.Checkout.Start(r.Ctx, by(rig.Client(i.LinkID)), id, checkout.Ask{})
		return err
	})
	intent := r.Bank.Pay(page.URL, rig.Succeed)
	cost("payment: by the page", 16, func() error { return r.Checkout.Settle(r.Ctx, member.Automaton(member.Webhook), intent) })
	hand := r.Invoice(c.ID, tenLines())
	cost("payment: by hand", 16, func() error {
		return second(r.Checkout.Manual(r.Ctx, by(rig.Owner), checkout.ManualInput{InvoiceID: hand.ID, Amount: hand.Due(), Method: "transfer"}))
	})
	gone := r.Invoice(c.ID, tenLines())
	cost("invoice: void", 0, func() error { return second(r.Billing.Void(r.Ctx, by(rig.Owner), gone.ID, "made twice")) })
	share := order.Portion{Percent: rig.Dec("40")}
	o := r.Order(c.ID, tenLines(), order.Schedule{Deposit: &share})
	r.Cash(o.Invoices[0], r.Issue(o.Invoices[0]).Due())
	cost("order: draft of the final invoice", 0, func() error {
		return second(r.Billing.BillOrder(r.Ctx, by(rig.Owner), o.ID, billing.OrderInput{Final: true}))
	})
	late := r.Order(c.ID, tenLines(), order.Schedule{Deposit: &share})
	cost("order: cancel the rest", 0, func() error { return second(r.Billing.CancelOrder(r.Ctx, by(rig.Owner), late.ID, "moved away")) })
	return rows
}

func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| deed, ten lines | transaction | index writes | idempotency record | goal |\n|---|---|---|---|---|\n")
	for _, x := range rows {
		goal := ""
		if x.goal > 0 {
			goal = fmt.Sprintf("≤ %d", x.goal)
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %s |\n", x.deed, x.write, x.index, x.once, goal)
	}
	return b.String()
}

const (
	published = "../store/README.md"
	begin     = "<!-- units: measured by internal/app, go test -run Units -update -->\n"
	end       = "<!-- end of units -->\n"
)

// No deed costs more than it may, and what is published is what is measured.
func TestUnits(t *testing.T) {
	rows := measure(t)
	for _, x := range rows {
		if x.goal > 0 && x.write > x.goal {
			t.Errorf("%s costs %d units, and may cost %d", x.deed, x.write, x.goal)
		}
	}
	raw, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(raw), begin)
	told, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table of units", published)
	}
	if d := cmp.Diff(table(rows), told); d != "" && *update {
		if err := os.WriteFile(published, []byte(head+begin+table(rows)+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if d != "" {
		t.Errorf("the published table is not what is measured: %s", d)
	}
}
