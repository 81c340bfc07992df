package org

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/store"
)

// TaxRule says how one class of goods or services is taxed at one place, from a day on. Rules are never edited: a new
// rate is a new rule with a later day.
type TaxRule struct {
	ID         string        `json:"id"`
	TaxClass   string        `json:"taxClass"`
	LocationID string        `json:"locationId,omitempty"` // empty: everywhere
	Name       string        `json:"name,omitempty"`       // "VAT", "GST", …
	Category   string        `json:"category"`
	Rate       money.Decimal `json:"rate"`             // percent
	Reason     string        `json:"reason,omitempty"` // printed; needed for E, AE, K, G, O
	From       civil.Date    `json:"from"`

	version int64
}

// Version is the version that was read.
func (t TaxRule) Version() int64 { return t.version }

const taxKind = "tax"

func taxKey(ruleID string) store.Key { return store.Key{PK: "ORG", SK: "TAX#" + ruleID} }

func decodeTax(it store.Item) (TaxRule, error) {
	var t TaxRule
	if err := json.Unmarshal(it.Body, &t); err != nil {
		return TaxRule{}, fmt.Errorf("tax rule %s: %w", it.SK, err)
	}
	t.version = it.Version
	return t, nil
}

// TaxRules lists all rules, in the order they were made.
func (s *Service) TaxRules(ctx context.Context) ([]TaxRule, error) {
	var out []TaxRule
	q := store.Query{Partition: "ORG", Prefix: "TAX#"}
	for {
		p, err := s.Table.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, it := range p.Items {
			t, err := decodeTax(it)
			if err != nil {
				return nil, err
			}
			out = append(out, t)
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return out, nil
		}
	}
}

// needsReason are the categories whose documents must say why there is no tax (BR-E-10, BR-AE-10, …).
var needsReason = map[string]bool{"E": true, "AE": true, "K": true, "G": true, "O": true}

func (t *TaxRule) check() error {
	var f fault.Fields
	t.TaxClass, t.Name = strings.TrimSpace(t.TaxClass), strings.TrimSpace(t.Name)
	if t.TaxClass == "" || len(t.TaxClass) > 40 {
		f.Add("taxClass", "invalid", "a tax class of 1 to 40 characters is needed, e.g. standard")
	}
	switch t.Category {
	case "S", "L", "M":
		if !t.Rate.Given() || t.Rate.Sign() < 0 || (t.Category == "S" && t.Rate.Sign() == 0) {
			f.Add("rate", "invalid", "category %s needs a rate above zero; use Z for zero", t.Category)
		}
	case "Z", "E", "AE", "K", "G", "O":
		if t.Rate.Given() && t.Rate.Sign() != 0 {
			f.Add("rate", "invalid", "category %s carries no tax: its rate is 0", t.Category)
		}
	default:
		f.Add("category", "invalid", "a category is one of S, Z, E, AE, K, G, O, L, M")
	}
	if hundred, err := money.Int(100); err == nil && t.Rate.Cmp(hundred) > 0 {
		f.Add("rate", "invalid", "a rate is from 0 to 100 per cent")
	}
	if needsReason[t.Category] && strings.TrimSpace(t.Reason) == "" {
		f.Add("reason", "required", "say why there is no tax: the document must print it")
	}
	if len(t.Reason) > 500 {
		f.Add("reason", "too_long", "a reason has at most 500 characters")
	}
	if len(t.Name) > 40 {
		f.Add("name", "too_long", "a name has at most 40 characters")
	}
	if t.From.IsZero() {
		f.Add("from", "required", "say from which day it applies")
	}
	return f.Err()
}

// AddTaxRule stores a rule. fault.Exists when the same class, place and day has one.
func (s *Service) AddTaxRule(ctx context.Context, by activity.By, t TaxRule) (TaxRule, error) {
	if err := member.May(by, member.TaxWrite); err != nil {
		return TaxRule{}, err
	}
	if !t.Rate.Given() {
		t.Rate, _ = money.ParseDecimal("0")
	}
	if err := t.check(); err != nil {
		return TaxRule{}, err
	}
	if t.LocationID != "" {
		if _, err := s.Location(ctx, t.LocationID); errors.Is(err, fault.NotFound) {
			return TaxRule{}, fault.InField("locationId", "not_found", "there is no such location")
		} else if err != nil {
			return TaxRule{}, err
		}
	}
	t.ID = s.IDs.New("tx")
	_, err := s.Records.Do(ctx, by, activity.OrgChain(s.Now()), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		all, err := s.TaxRules(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range all {
			if o.TaxClass == t.TaxClass && o.LocationID == t.LocationID && o.Name == t.Name && o.From == t.From {
				return nil, fault.Exists.Errorf("there is a rule for %s from %s already; remove it first", t.TaxClass, t.From).With("taxRuleId", o.ID)
			}
		}
		body, err := json.Marshal(t)
		if err != nil {
			return nil, fmt.Errorf("tax rule: %w", err)
		}
		return &activity.Deed{
			Kind: "tax.added", Subject: t.ID, Text: fmt.Sprintf("Tax for %s from %s: %s %s %%", t.TaxClass, t.From, t.Category, t.Rate),
			Changes: []activity.Change{{Field: "rate", To: t.Rate.String()}, {Field: "category", To: t.Category}},
			Ops:     []store.Op{store.Put(store.Item{Key: taxKey(t.ID), Kind: taxKind, Body: body})},
		}, nil
	})
	t.version = 1
	return t, err
}

// TaxRule reads one rule.
func (s *Service) TaxRule(ctx context.Context, ruleID string) (TaxRule, error) {
	it, err := s.Table.Get(ctx, taxKey(ruleID))
	if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Invalid) {
		return TaxRule{}, fault.NotFound.Errorf("there is no such tax rule")
	}
	if err != nil {
		return TaxRule{}, err
	}
	return decodeTax(it)
}

// RemoveTaxRule deletes a rule; documents keep the tax they were made with.
func (s *Service) RemoveTaxRule(ctx context.Context, by activity.By, ruleID string, version int64) error {
	if err := member.May(by, member.TaxWrite); err != nil {
		return err
	}
	_, err := s.Records.Do(ctx, by, activity.OrgChain(s.Now()), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		t, err := s.TaxRule(ctx, ruleID)
		if err != nil {
			return nil, err
		}
		if t.version != version {
			return nil, fault.Stale.Errorf("this tax rule was changed meanwhile; read it again")
		}
		return &activity.Deed{
			Kind: "tax.removed", Subject: t.ID, Text: fmt.Sprintf("Removed the tax rule for %s from %s", t.TaxClass, t.From),
			Ops: []store.Op{store.Delete(taxKey(ruleID), version)},
		}, nil
	})
	return err
}

// TaxOf answers the rules that apply to a class at a place on a day: of each name the newest rule that is not later than
// the day. A place whose own rules have begun is taxed by these alone, since what its taxes are called need not be what
// they are called elsewhere; any other by the rules of everywhere. fault.Invalid when there is none.
func TaxOf(rules []TaxRule, class, location string, on civil.Date) ([]TaxRule, error) {
	best, order := newestOf(rules, class, location, on)
	if len(order) == 0 && location != "" {
		best, order = newestOf(rules, class, "", on)
	}
	if len(order) == 0 {
		return nil, fault.InField("taxClass", "no_rule", "there is no tax rule for the class %.40q on %s; add one in the settings, or give the line its own tax", class, on)
	}
	out := make([]TaxRule, len(order))
	for i, n := range order {
		out[i] = best[n]
	}
	return out, nil
}

// newestOf are the rules of exactly this class and place that have begun, the newest of each name, and the names in the
// order in which they came.
func newestOf(rules []TaxRule, class, location string, on civil.Date) (best map[string]TaxRule, order []string) {
	best = map[string]TaxRule{}
	for _, r := range rules {
		if r.TaxClass != class || r.LocationID != location || on.Before(r.From) {
			continue
		}
		b, ok := best[r.Name]
		if !ok {
			order = append(order, r.Name)
		}
		if !ok || b.From.Before(r.From) {
			best[r.Name] = r
		}
	}
	return best, order
}
