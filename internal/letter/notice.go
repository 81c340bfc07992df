package letter

import (
	"context"

	"onebook/internal/effect"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// People finds the members that a notice goes to. fault.NotFound when there is none.
type People interface {
	Get(ctx context.Context, memberID string) (member.Member, error)
}

// Notice plans the letter that tells an owner of a deed on an invoice that one person did where two are usual.
func (p *Post) Notice(ctx context.Context, e effect.Effect) (effect.Plan, error) {
	m, err := p.People.Get(ctx, e.Args["member"])
	if err != nil {
		return effect.Plan{}, err
	}
	i, err := invoice.Get(ctx, p.Table, e.Subject)
	if err != nil {
		return effect.Plan{}, err
	}
	f := *i.Frozen
	f.Locale = e.Args["locale"]
	plan := p.plan(e, sheet{
		frozen: f, to: sale.Addressee{Name: m.Name, Email: m.Email}, link: payLink(i), same: []store.Op{i.Same()}, done: "Told an owner: " + e.Args["text"],
		write: func(string) Content { return OfNotice(f.Locale, m.Name, e.Args) },
	})
	if !m.RemovedAt.IsZero() {
		plan.Skip = m.Name + " is no member any more"
	}
	return plan, nil
}

// OfNotice writes a notice to an owner. What was done is told in the words of the history.
func OfNotice(locale, name string, args map[string]string) Content {
	if lang(locale) == "de" {
		return Content{
			Subject: "Ohne zweite Person ausgeführt", Hello: hallo(name),
			Lead:  "ein Vorgang, der sonst zwei Personen braucht, wurde von einer allein ausgeführt, weil es keine zweite gibt.",
			Facts: []Fact{{"Vorgang", args["text"], true}, {"Von", args["by"], false}, {"Grund", args["reason"], false}},
			After: []string{"Wenn Sie das nicht selbst waren, sehen Sie bitte gleich in Ihrem Verlauf nach."}, Close: "Freundliche Grüße",
		}
	}
	return Content{
		Subject: "Done without a second person", Hello: hello(name),
		Lead:  "Something that usually takes two persons was done by one, because there is no second.",
		Facts: []Fact{{"What", args["text"], true}, {"By", args["by"], false}, {"Reason", args["reason"], false}},
		After: []string{"If this was not you, please look at your history now."}, Close: "Kind regards",
	}
}
