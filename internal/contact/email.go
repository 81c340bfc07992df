package contact

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"onebook/internal/fault"
	"onebook/internal/find"
)

// Limits of an address in octets (RFC 5321 §4.5.3.1, and erratum 1690 for the whole).
const (
	maxLocal   = 64
	maxDomain  = 253
	maxLabel   = 63
	maxAddress = 254
	maxTyped   = 1000 // with display name and all
)

// Key answers the match key of an e-mail address: two addresses are one person's exactly when their keys are equal
// (rules.md §6). It leaves out display name, mailto:, zero-width characters and a trailing dot, and unifies
// compatibility forms (NFKC), case, and the domain (IDNA A-label).
//
// The review key goes further, without plus-tags and without the dots that Gmail ignores: equal review keys propose,
// they never link. It is empty for role addresses and placeholders, which say nothing about a person.
//
// fault.Invalid for anything that is not one address.
func Key(address string) (key, review string, err error) {
	if len(address) > maxTyped {
		return "", "", badAddress("it is too long")
	}
	local, domain, quoted, err := split(clean(address))
	if err != nil {
		return "", "", err
	}
	local = norm.NFKC.String(find.Lower(local))
	if quoted {
		if dotAtom(local) == nil {
			quoted = false // the quotes were not needed
		} else if err := quotable(local); err != nil {
			return "", "", err
		}
	} else if err := dotAtom(local); err != nil {
		return "", "", err
	}
	host, err := domainKey(domain)
	if err != nil {
		return "", "", err
	}
	if quoted {
		local = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"`
	}
	if len(local) > maxLocal || len(local)+1+len(host) > maxAddress {
		return "", "", badAddress("it is too long")
	}
	return local + "@" + host, reviewKey(local, host, quoted), nil
}

// Acceptable answers nil when a form may take this text as an address: one plain address and nothing around it, with a
// domain that can receive mail. Quoted local parts, comments and address literals exist in the standard, but in a form
// they are typing errors or worse.
func Acceptable(address string) error {
	local, domain, quoted, err := split(address)
	if err != nil {
		return err
	}
	if quoted {
		return badAddress("a quoted name before the @ is not accepted")
	}
	if err := dotAtom(local); err != nil {
		return err
	}
	host, err := domainKey(domain)
	if err != nil {
		return err
	}
	if len(local) > maxLocal || len(local)+1+len(host) > maxAddress {
		return badAddress("it is too long")
	}
	return nil
}

func badAddress(why string) error {
	return fault.Invalid.Errorf("this is not an e-mail address: %s", why)
}

// clean takes away what surrounds an address: space, display name, angle brackets, mailto:, invisible characters.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) { // zero-width, soft hyphen, marks of direction: they come along when copying
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.TrimSpace(norm.NFKC.String(s))
	if strings.HasSuffix(s, ">") {
		if i := strings.LastIndexByte(s, '<'); i >= 0 {
			s = strings.TrimSpace(s[i+1 : len(s)-1])
		}
	}
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s, _, _ = strings.Cut(s[7:], "?")
		if plain, err := url.PathUnescape(s); err == nil {
			s = strings.TrimSpace(plain)
		}
	}
	return s
}

// split takes an address apart at its @ and takes a quoted local part out of its quotes.
func split(s string) (local, domain string, quoted bool, err error) {
	if s == "" {
		return "", "", false, badAddress("nothing is there")
	}
	if s[0] == '"' {
		return splitQuoted(s)
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return "", "", false, badAddress("it has no @")
	}
	return s[:at], s[at+1:], false, nil
}

func splitQuoted(s string) (local, domain string, quoted bool, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			if i+1 >= len(s) || s[i+1] != '@' {
				return "", "", false, badAddress("only the @ may follow a quoted name")
			}
			return b.String(), s[i+2:], true, nil
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false, badAddress("a quotation mark is not closed")
}

// dotAtom checks a local part (RFC 5322 §3.2.3, with the letters of RFC 6531).
func dotAtom(local string) error {
	if local == "" {
		return badAddress("nothing stands before the @")
	}
	for _, part := range strings.Split(local, ".") {
		if part == "" {
			return badAddress("a dot stands at an end or beside another")
		}
		for _, r := range part {
			if !atext(r) {
				return badAddress("it holds " + shown(r))
			}
		}
	}
	return nil
}

func atext(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
	}
	return r != utf8.RuneError && unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S)
}

func quotable(local string) error {
	if local == "" {
		return badAddress("nothing stands before the @")
	}
	for _, r := range local {
		if r != ' ' && !atext(r) && !strings.ContainsRune(`"(),.:;<>@[\]`, r) {
			return badAddress("it holds " + shown(r))
		}
	}
	return nil
}

func shown(r rune) string {
	switch {
	case unicode.IsSpace(r):
		return "a space"
	case !unicode.IsPrint(r):
		return "a character that cannot be seen"
	case r == '@':
		return "a second @"
	case r == ',' || r == ';':
		return "a " + string(r) + ": give one address a field"
	}
	return "the character " + string(r)
}

// hosts maps as browsers do, without the deviations of IDNA 2003 (ß stays ß). Hyphens and lengths are checked here.
var hosts = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.CheckHyphens(false))

// domainKey answers the A-label form of a domain.
func domainKey(domain string) (string, error) {
	host, err := hosts.ToASCII(strings.TrimSuffix(domain, "."))
	if err != nil {
		return "", badAddress("its domain is not one")
	}
	if host == "" {
		return "", badAddress("nothing stands behind the @")
	}
	if len(host) > maxDomain {
		return "", badAddress("its domain is too long")
	}
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if !label(l) {
			return "", badAddress("its domain is not one")
		}
	}
	last := labels[len(labels)-1]
	if strings.Trim(last, "0123456789") == "" {
		return "", badAddress("its domain ends in a number")
	}
	// Some countries run mail on their own two letters; any other word without a dot is half an address.
	if len(labels) == 1 && len(last) != 2 {
		return "", badAddress("its domain has no ending such as .com")
	}
	return host, nil
}

func label(l string) bool {
	if l == "" || len(l) > maxLabel || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	for i := 0; i < len(l); i++ {
		if c := l[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return true
}

// roles are local parts that several people read.
var roles = words(`info sales office accounts billing admin noreply hello support contact
	no-reply no_reply donotreply do-not-reply mail email post webmaster postmaster hostmaster abuse root service help
	helpdesk team enquiries inquiries enquiry inquiry reception frontdesk booking bookings reservations orders order
	shop store invoice invoices accounting accountspayable accounts-payable payables ap ar finance payments payroll hr
	jobs careers press media marketing newsletter news legal privacy security feedback
	kontakt buero büro buchhaltung rechnung rechnungen verwaltung empfang praxis bestellung termine
	facturation compta comptabilite accueil facturas contabilidad administracion contacto amministrazione`)

// placeholders stand in many records because a form wanted something.
var placeholders = words(`test@test.com test@example.com example@example.com email@email.com mail@mail.com a@a.com a@b.com x@x.com
	none@none.com no@no.com na@na.com nomail@nomail.com noemail@noemail.com no@email.com no@mail.com user@example.com abc@abc.com`)

func words(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[w] = true
	}
	return out
}

// impersonal reports whether a match key says nothing about one person.
func impersonal(key string) bool {
	local, _, _ := strings.Cut(key, "@")
	local, _, _ = strings.Cut(local, "+")
	return roles[local] || placeholders[key]
}

func reviewKey(local, host string, quoted bool) string {
	if quoted {
		return local + "@" + host
	}
	if base, _, tagged := strings.Cut(local, "+"); tagged && base != "" {
		local = base
	}
	if host == "gmail.com" || host == "googlemail.com" {
		host = "gmail.com"
		local = strings.ReplaceAll(local, ".", "")
	}
	if key := local + "@" + host; !impersonal(key) {
		return key
	}
	return ""
}
