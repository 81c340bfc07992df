package main

import (
	"context"
	"errors"
	"fmt"

	"onebook/infra/local/issuer"
	"onebook/internal/activity"
	"onebook/internal/app"
	"onebook/internal/catalog"
	"onebook/internal/civil"
	"onebook/internal/contact"
	"onebook/internal/fault"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/org"
	"onebook/internal/sale"
	"onebook/internal/selling"
)

const demoDomain = "@demo.invalid"

var demoNames = map[string]string{
	"owner": "Nora Nord", "admin": "Adam Adler", "billing": "Bella Brandt", "booking": "Ben Böhm", "sales": "Sara Stern", "viewer": "Viktor Vogt",
}

// seed makes one member of each role, so that somebody can sign in, and on request a small organisation with a few
// contacts and documents. It is called at every start and makes only what is missing.
func seed(ctx context.Context, x *app.Product, demo bool) error {
	owner, err := team(ctx, x)
	if err != nil || !demo {
		return err
	}
	set, err := x.Org.Get(ctx)
	if err != nil || set.Version() > 0 {
		return err // it was there before
	}
	by := activity.By{Kind: activity.Member, ID: owner.ID, Name: owner.Name, Role: string(owner.Role)}
	if err := organisation(ctx, x, by, set); err != nil {
		return err
	}
	items, err := services(ctx, x, by)
	if err != nil {
		return err
	}
	return people(ctx, x, by, items)
}

func team(ctx context.Context, x *app.Product) (member.Member, error) {
	owner, err := x.Members.First(ctx, directory{}, "owner"+demoDomain, demoNames["owner"])
	if err != nil {
		return member.Member{}, err
	}
	by := activity.By{Kind: activity.Member, ID: owner.ID, Name: owner.Name, Role: string(owner.Role)}
	for _, role := range issuer.Roles[1:] {
		in := member.Input{Name: demoNames[role], Email: role + demoDomain, Role: member.Role(role)}
		if _, err := x.Members.Admit(ctx, by, in, issuer.Subject(role)); err != nil && !errors.Is(err, fault.Exists) {
			return member.Member{}, err
		}
	}
	return owner, nil
}

func organisation(ctx context.Context, x *app.Product, by activity.By, set org.Settings) error {
	from := civil.On(2020, 1, 1)
	for _, t := range []struct{ class, category, rate string }{{"standard", "S", "19"}, {"reduced", "S", "7"}} {
		rate, err := money.ParseDecimal(t.rate)
		if err != nil {
			return err
		}
		_, err = x.Org.AddTaxRule(ctx, by, org.TaxRule{TaxClass: t.class, Category: t.category, Rate: rate, From: from})
		if err != nil && !errors.Is(err, fault.Exists) {
			return err
		}
	}
	set.Name, set.TimeZone, set.Currency, set.Accent = "Studio Nord", "Europe/Berlin", "EUR", "#0f6b5c"
	set.Address = org.Address{Line1: "Lindenstraße 12", PostalCode: "10969", City: "Berlin", Country: "DE"}
	set.TaxID, set.Email, set.Phone, set.Website = "DE123456789", "hello@studio-nord.example", "+49 30 901820", "https://studio-nord.example"
	set.PaymentTerms = "Please pay within 14 days of the invoice date."
	_, err := x.Org.Update(ctx, by, set.Version(), set)
	return err
}

func services(ctx context.Context, x *app.Product, by activity.By) ([]catalog.Item, error) {
	var out []catalog.Item
	for _, s := range []struct{ name, about, unit, price string }{
		{"Brand workshop", "One day on site with your team, prepared and written up.", "fixed", "1800.00"},
		{"Design", "Concept and design, by the hour.", "hour", "120.00"},
		{"Website care", "Updates, backups and small changes.", "month", "240.00"},
	} {
		price, err := money.ParseDecimal(s.price)
		if err != nil {
			return nil, err
		}
		it, err := x.Catalog.Create(ctx, by, catalog.Input{
			Name: s.name, Description: s.about, Unit: s.unit, UnitPrice: price, Currency: "EUR", TaxClass: "standard",
		})
		if err != nil {
			return nil, err
		}
		out = append(out, it)
	}
	return out, nil
}

func people(ctx context.Context, x *app.Product, by activity.By, items []catalog.Item) error {
	for n, c := range []struct{ name, given, family, email, phone, city string }{
		{"Ada Lovelace", "Ada", "Lovelace", "ada@lovelace.example", "+49 30 901821", "Berlin"},
		{"Jonas Bolt", "Jonas", "Bolt", "jonas@bolt-soehne.example", "+49 40 428280", "Hamburg"},
		{"Zofia Żuk", "Zofia", "Żuk", "zofia@zuk.example", "+48 22 443 00 00", "Warszawa"},
	} {
		made, err := x.Contacts.Create(ctx, by, contact.Input{
			Kind: "person", Name: c.name, GivenName: c.given, FamilyName: c.family,
			Emails: []contact.EmailInput{{Address: c.email}}, Phones: []contact.PhoneInput{{Number: c.phone}},
			Address: org.Address{City: c.city}, Source: "demo",
		})
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		hours, err := money.Int(int64(4 + 3*n))
		if err != nil {
			return err
		}
		_, err = x.Selling.Create(ctx, by, selling.Input{ContactID: made.ID, Body: sale.Input{
			Lines: []sale.LineInput{{ItemID: items[1].ID, Quantity: hours}},
		}})
		if err != nil {
			return err
		}
	}
	return nil
}
