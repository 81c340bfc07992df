package contact

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/language"

	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/money"
	"onebook/internal/org"
)

// How much of each a contact may have.
const (
	maxEmails    = 10
	maxPhones    = 10
	maxPeople    = 20
	maxTags      = 20
	maxExternals = 10
)

var (
	systemForm  = form(`^[a-z0-9][a-z0-9_.-]*$`)
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
)

// form is the form of a key of at most 40 characters. The length is checked apart, because a counted repetition is
// written out when it is compiled, at every start.
func form(pattern string) func(string) bool {
	p := regexp.MustCompile(pattern)
	return func(s string) bool { return len(s) <= 40 && p.MatchString(s) }
}

// checker notes what is wrong with an input while the contact is made of it.
type checker struct {
	fault.Fields
	set    org.Settings      // whose custom fields there are
	region string            // where national numbers are read
	plans  Phones            // which reads them
	known  map[string]string // use of each address of the contact by match key, to find one given twice
	since  map[string]time.Time
}

// fill takes over what was typed, brought to its stored form. Addresses that were verified stay so. What the organisation
// requires is asked of people, who typed it, and not of what comes in by itself. fault.Invalid names every wrong field.
func (c *Contact) fill(in Input, set org.Settings, plans Phones, typed bool) error {
	if plans == nil {
		return errNoPhones
	}
	region := set.Address.Country
	if countryForm.MatchString(in.Address.Country) {
		region = in.Address.Country
	}
	k := checker{set: set, region: region, plans: plans, known: map[string]string{}, since: map[string]time.Time{}}
	for _, e := range c.allEmails() {
		if !e.VerifiedAt.IsZero() {
			k.since[e.Key] = e.VerifiedAt
		}
	}
	next := Contact{
		Kind: in.Kind, Name: k.line("name", in.Name, 200), GivenName: k.line("givenName", in.GivenName, 100),
		FamilyName: k.line("familyName", in.FamilyName, 100), Company: k.line("company", in.Company, 200),
		Emails: k.emails("emails", in.Emails), Phones: k.phones("phones", in.Phones), TaxID: k.line("taxId", in.TaxID, 40),
		TimeZone: in.TimeZone, Locale: in.Locale, Currency: in.Currency, Tags: k.tags(in.Tags), Source: k.line("source", in.Source, 100),
		ExternalIDs: k.externals(in.ExternalIDs), Custom: k.custom(in.Custom, c.Custom),
	}
	if in.Kind != Person && in.Kind != Company {
		k.Add("kind", "invalid", "a contact is a person or a company")
	}
	if next.Name == "" {
		k.Add("name", "required", "a contact needs a name")
	}
	next.Address.Line1 = k.line("address.line1", in.Address.Line1, 200)
	next.Address.Line2 = k.line("address.line2", in.Address.Line2, 200)
	next.Address.City = k.line("address.city", in.Address.City, 100)
	next.Address.Region = k.line("address.region", in.Address.Region, 100)
	next.Address.PostalCode = k.line("address.postalCode", in.Address.PostalCode, 20)
	next.Address.Country = in.Address.Country
	k.places(in)
	if typed {
		k.required(next.Custom, c)
	}
	next.People = k.people(in)
	if err := k.Err(); err != nil {
		return err
	}
	next.ID, next.Balance, next.ArchivedAt, next.CreatedAt, next.UpdatedAt = c.ID, c.Balance, c.ArchivedAt, c.CreatedAt, c.UpdatedAt
	next.version, next.seq = c.version, c.seq
	if n := len(next.pointers()); n > maxPointers {
		return fault.InField("people", "too_many", "the people, addresses, numbers and names of one contact come to %d entries of the index; %d are possible", n, maxPointers)
	}
	*c = next
	return nil
}

// places checks what stands in lists of the world's: countries, zones, languages, currencies.
func (k *checker) places(in Input) {
	if c := in.Address.Country; c != "" {
		if r, err := language.ParseRegion(c); err != nil || !r.IsCountry() || !countryForm.MatchString(c) {
			k.Add("address.country", "invalid", "%.40q is not a country: give two capital letters (ISO 3166), such as DE", c)
		}
	}
	if in.TimeZone != "" {
		if _, err := civil.Zone(in.TimeZone); err != nil {
			k.Add("timeZone", "invalid", "%.60q is not a time zone: give an IANA name, such as Europe/Berlin", in.TimeZone)
		}
	}
	if in.Locale != "" {
		if _, err := language.Parse(in.Locale); err != nil || len(in.Locale) > 35 {
			k.Add("locale", "invalid", "%.40q is not a language tag (BCP 47), such as de or en-GB", in.Locale)
		}
	}
	if in.Currency != "" {
		if _, err := money.Exponent(in.Currency); err != nil {
			k.Add("currency", "invalid", "%.40q is not a currency: give its ISO 4217 code, such as EUR", in.Currency)
		}
	}
}

// line is text on one line. A line break in a name would break a letter's head, so it is refused and not repaired; so is
// a mark that turns the direction of writing, which can make a name read as another.
func (k *checker) line(field, s string, most int) string {
	s = strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(unseen, r) })
	if n := len([]rune(s)); n > most {
		k.Add(field, "too_long", "%s has at most %d characters, this has %d", field, most, n)
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar || strings.ContainsRune(turning, r) {
			k.Add(field, "invalid", "%s must be one line of readable text", field)
			break
		}
	}
	return s
}

const (
	unseen  = "\u00ad\u200b\u200c\u200d\u2060\ufeff"                   // have no width
	turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" // embeddings, overrides and isolates
)

func (k *checker) few(field string, n, most int) {
	if n > most {
		k.Add(field, "too_many", "at most %d are possible here, these are %d", most, n)
	}
}

func (k *checker) emails(field string, in []EmailInput) []Email {
	k.few(field, len(in), maxEmails)
	out := make([]Email, 0, len(in))
	for i, e := range in {
		at := fmt.Sprintf("%s[%d]", field, i)
		address := ""
		err := badAddress("it is too long")
		if len(e.Address) <= maxTyped {
			address = clean(e.Address)
			err = Acceptable(address)
		}
		if err != nil {
			k.Add(at+".address", "invalid", "%s", err.Error())
			continue
		}
		key, _, err := Key(address)
		if err != nil {
			k.Add(at+".address", "invalid", "%s", err.Error())
			continue
		}
		use := e.Use
		switch use {
		case Own, Shared:
		case "":
			use = Own
			if impersonal(key) {
				use = Shared
			}
		default:
			k.Add(at+".use", "invalid", "an address is own or shared")
		}
		// A shared address may stand with several people, but an own one is one person's alone.
		if slices.ContainsFunc(out, func(o Email) bool { return o.Key == key }) || k.known[key] != "" && (use == Own || k.known[key] == Own) {
			k.Add(at+".address", "twice", "%s stands here twice", key)
		}
		k.known[key] = use
		out = append(out, Email{Address: address, Use: use, Key: key, VerifiedAt: k.since[key]})
	}
	return out
}

func (k *checker) phones(field string, in []PhoneInput) []Phone {
	k.few(field, len(in), maxPhones)
	out := make([]Phone, 0, len(in))
	for i, p := range in {
		at := fmt.Sprintf("%s[%d].number", field, i)
		number := k.line(at, p.Number, 40)
		if !strings.ContainsFunc(number, unicode.IsDigit) {
			k.Add(at, "invalid", "a telephone number has digits")
			continue
		}
		e164, valid := k.plans.E164(number, k.region)
		if slices.ContainsFunc(out, func(o Phone) bool { return o.Number == number || valid && o.E164 == e164 }) {
			k.Add(at, "twice", "%.40s stands here twice", number)
		}
		n := Phone{Number: number, E164: e164, Valid: valid}
		if valid {
			n.National = k.plans.National(e164)
		}
		out = append(out, n)
	}
	return out
}

func (k *checker) tags(in []string) []string {
	k.few("tags", len(in), maxTags)
	var out []string
	for i, t := range in {
		t = k.line(fmt.Sprintf("tags[%d]", i), t, 50)
		if t == "" {
			k.Add(fmt.Sprintf("tags[%d]", i), "required", "a tag needs at least one character")
		} else if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

func (k *checker) externals(in map[string]string) map[string]string {
	k.few("externalIds", len(in), maxExternals)
	out := map[string]string{}
	for _, system := range names(in) {
		field := "externalIds." + system
		if !systemForm(system) {
			k.Add("externalIds", "invalid", "%.60q is no name of a system: use small letters, digits, dot and dash, at most 40", system)
			continue
		}
		if out[system] = k.line(field, in[system], 200); out[system] == "" {
			k.Add(field, "required", "an external id must not be empty; leave it out instead")
		}
	}
	return orNil(out)
}

// custom checks values by their definitions. What a contact has already is not asked again: a definition may have been
// changed or taken away since, and the value stays until somebody changes it.
func (k *checker) custom(in, had map[string]string) map[string]string {
	out := map[string]string{}
	for _, key := range names(in) {
		value := in[key]
		if old, ok := had[key]; ok && old == value {
			out[key] = value
			continue
		}
		def, ok := k.set.Custom(key)
		if !ok {
			k.Add(fmt.Sprintf("custom.%.60s", key), "unknown", "there is no custom field %.60q; it is defined in the settings", key)
			continue
		}
		if value = strings.TrimSpace(strings.ToValidUTF8(value, "\uFFFD")); value == "" {
			continue
		}
		if err := def.Check(value); err != nil {
			k.Add("custom."+key, "invalid", "%s", err.Error())
		}
		out[key] = value
	}
	return orNil(out)
}

// required demands what the organisation requires. A contact that lacked it before may be edited on.
func (k *checker) required(custom map[string]string, old *Contact) {
	for _, def := range k.set.CustomFields {
		if def.Required && custom[def.Key] == "" && (old.version == 0 || old.Custom[def.Key] != "") {
			k.Add("custom."+def.Key, "required", "%s is required", def.Label)
		}
	}
}

func orNil(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return m
}

func (k *checker) people(in Input) []Human {
	if in.Kind == Person && len(in.People) > 0 {
		k.Add("people", "invalid", "only a company has people; make the kind company")
		return nil
	}
	k.few("people", len(in.People), maxPeople)
	var out []Human
	for i, h := range in.People {
		at := fmt.Sprintf("people[%d].", i)
		next := Human{
			Name: k.line(at+"name", h.Name, 200), Role: k.line(at+"role", h.Role, 100),
			Emails: k.emails(at+"emails", h.Emails), Phones: k.phones(at+"phones", h.Phones),
		}
		if next.Name == "" {
			k.Add(at+"name", "required", "each of the people needs a name")
		}
		for _, r := range h.Receives {
			if r != Invoices && r != Estimates && r != Visits {
				k.Add(at+"receives", "invalid", "people receive invoices, estimates or visits, not %.40q", r)
			} else if !slices.Contains(next.Receives, r) {
				next.Receives = append(next.Receives, r)
			}
		}
		slices.Sort(next.Receives)
		out = append(out, next)
	}
	return out
}
