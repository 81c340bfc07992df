package org

import (
	"errors"
	"strings"
	"testing"

	"onebook/internal/fault"
)

// A value fits its field's kind, or is refused by the field's own name.
func TestCustomValues(t *testing.T) {
	for _, c := range []struct {
		field     CustomField
		good, bad []string
	}{
		{CustomField{Kind: TextField}, []string{"", "Größe\n43", strings.Repeat("ж", 500)}, []string{strings.Repeat("x", 501)}},
		{CustomField{Kind: NumberField}, []string{"0", "-12.50", "9007199254740993"}, []string{"", "1e3", "1,5", "12 m", "0x1", "NaN", ".5"}},
		{CustomField{Kind: DateField}, []string{"2026-03-31", "2028-02-29"}, []string{"", "2026-02-29", "31.03.2026", "2026-3-31", "tomorrow"}},
		{CustomField{Kind: ChoiceField, Choices: []string{"gold", "silver"}}, []string{"gold"}, []string{"", "Gold", "gold "}},
		{CustomField{Kind: YesNoField}, []string{"yes", "no"}, []string{"", "true", "YES", "1"}},
		{CustomField{Kind: "colour"}, nil, []string{"red"}},
	} {
		c.field.Label = "Tier"
		for _, v := range c.good {
			if err := c.field.Check(v); err != nil {
				t.Errorf("%s %q: %v", c.field.Kind, v, err)
			}
		}
		for _, v := range c.bad {
			if err := c.field.Check(v); !errors.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), "Tier") {
				t.Errorf("%s %.20q: %v", c.field.Kind, v, err)
			}
		}
	}
}

// Definitions are few, each with a key of its own and a kind that is one.
func TestCustomDefinitions(t *testing.T) {
	field := func(change func(c *CustomField)) []CustomField {
		c := CustomField{Key: "tier", Label: "Tier", Kind: ChoiceField, Choices: []string{"gold"}}
		change(&c)
		return []CustomField{c}
	}
	good := field(func(*CustomField) {})[0]
	many := []CustomField{}
	for n := range 21 {
		many = append(many, CustomField{Key: "k" + strings.Repeat("x", n), Label: "L", Kind: TextField})
	}
	for want, in := range map[string][]CustomField{
		"":                           append(many[:19:19], good),
		"customFields":               many,
		"customFields[1].key":        {good, good},
		"customFields[0].key":        field(func(c *CustomField) { c.Key = "a.b" }),
		"customFields[0].label":      field(func(c *CustomField) { c.Label = "a\nb" }),
		"customFields[0].kind":       field(func(c *CustomField) { c.Kind, c.Choices = "colour", nil }),
		"customFields[0].choices":    field(func(c *CustomField) { c.Choices = nil }),
		"customFields[0].choices[1]": field(func(c *CustomField) { c.Choices = []string{"gold", "gold"} }),
		"customFields[0].choices[0]": field(func(c *CustomField) { c.Choices = []string{" "} }),
		"customFields[0].choices ":   field(func(c *CustomField) { c.Kind = NumberField }),
	} {
		s := Settings{CustomFields: in}
		var f fault.Fields
		s.checkCustom(&f)
		var got []string
		var e *fault.Error
		if errors.As(f.Err(), &e) {
			for _, x := range e.Fields {
				got = append(got, x.Field)
			}
		}
		if strings.Join(got, " ") != strings.TrimSpace(want) {
			t.Errorf("%q: %q", want, got)
		}
	}
}
