// Package letter writes and posts what a client gets by mail: estimates, invoices, receipts, and
// what became of a payment.
//
// Every letter has the same frame (who writes, one message, at most one button, the same said in plain text) and is written
// by hand in English and German. [Compose] is pure; [Post] plans the effects that send. Values that reach a header are
// cleaned here and encoded by the adapter; HTML is made by html/template alone, and links must be https (or loopback, on
// one's own machine).
package letter

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"onebook/internal/fault"
	"onebook/internal/sale"
)

// Message is a letter ready to be sent.
type Message struct {
	FromName   string
	To         mail.Address
	ReplyTo    *mail.Address
	Subject    string
	Text, HTML string
	Tag        string // the effect's id
}

// Content is what a letter says, in the words of its language.
type Content struct {
	Subject string
	Hello   string
	Lead    string   // what this is about, one or two sentences
	Facts   []Fact   // the figures, in order
	Button  string   // a verb with its object; empty: no button
	URL     string   // where the button leads
	After   []string // further sentences
	Close   string
}

// Fact is a figure with its name; a strong one stands out.
type Fact struct {
	Name, Value string
	Strong      bool
}

// Sender is who writes.
type Sender struct {
	Seller sale.Party
	Accent string
	Locale string
}

//go:embed templates
var files embed.FS

var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(files, "templates/letter.html"))
})

// Compose makes the message. fault.Invalid when the recipient's address or the link cannot be used.
func Compose(from Sender, name, address string, c Content) (Message, error) {
	if address == "" {
		return Message{}, fault.Invalid.Errorf("%s has no e-mail address", cmp.Or(clean(name, 80), "the client"))
	}
	to, err := mail.ParseAddress(address)
	if err != nil || strings.ContainsAny(address, "\r\n\x00") {
		return Message{}, fault.Invalid.Errorf("%q is not an e-mail address", clean(address, 80))
	}
	if c.URL != "" && !linkable(c.URL) {
		return Message{}, fmt.Errorf("letter: %q is no link for a letter", c.URL)
	}
	m := Message{
		FromName: clean(from.Seller.Name, 100), To: mail.Address{Name: clean(name, 100), Address: to.Address},
		Subject: clean(c.Subject, 200),
	}
	if a, err := mail.ParseAddress(from.Seller.Email); err == nil && from.Seller.Email != "" {
		m.ReplyTo = &mail.Address{Name: m.FromName, Address: a.Address}
	}
	var html bytes.Buffer
	err = page().Execute(&html, struct {
		Content
		Sender
		Lang, Accent, OnAccent string
		// The text under the button leads there for those whose program shows no buttons.
		Instead string
	}{c, from, lang(from.Locale), accent(from.Accent), onAccent(accent(from.Accent)), wordsOf(from.Locale).instead})
	if err != nil {
		return Message{}, fmt.Errorf("letter: %w", err)
	}
	m.HTML, m.Text = html.String(), plain(from, c)
	return m, nil
}

// plain says in text what the page says.
func plain(from Sender, c Content) string {
	var b strings.Builder
	para := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			b.WriteString(s + "\n\n")
		}
	}
	para(c.Hello)
	para(c.Lead)
	var facts []string
	for _, f := range c.Facts {
		facts = append(facts, f.Name+": "+f.Value)
	}
	para(strings.Join(facts, "\n"))
	if c.URL != "" {
		para(c.Button + ":\n" + c.URL)
	}
	for _, a := range c.After {
		para(a)
	}
	para(c.Close + "\n" + from.Seller.Name)
	var foot []string
	foot = append(foot, from.Seller.Address...)
	for _, s := range []string{from.Seller.Phone, from.Seller.Email, from.Seller.Website} {
		if s != "" {
			foot = append(foot, s)
		}
	}
	if len(foot) > 0 {
		b.WriteString("-- \n" + strings.Join(foot, "\n") + "\n")
	}
	return b.String()
}

// clean makes text fit for a header: one line, no control characters, at most max runes.
func clean(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > max {
		s = string(r[:max-1]) + "…"
	}
	return s
}

// linkable reports whether a letter may lead there.
func linkable(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.User != nil || strings.ContainsAny(s, " \r\n\t\"<>") {
		return false
	}
	host := u.Hostname()
	return host != "" && (u.Scheme == "https" || u.Scheme == "http" && (host == "127.0.0.1" || host == "localhost" || host == "::1"))
}

func accent(s string) string {
	if len(s) == 7 && s[0] == '#' && strings.Trim(s[1:], "0123456789abcdefABCDEF") == "" {
		return s
	}
	return "#1f5fbf"
}

// onAccent is the colour of writing that can be read on an accent: white on a dark one, dark on a light one.
func onAccent(accent string) string {
	n, err := strconv.ParseUint(accent[1:], 16, 32)
	// Perceived brightness after ITU-R BT.601, out of 255,000.
	if err == nil && 299*(n>>16)+587*(n>>8&0xff)+114*(n&0xff) > 150_000 {
		return "#1b1f24"
	}
	return "#ffffff"
}

func lang(locale string) string {
	if strings.HasPrefix(locale, "de") {
		return "de"
	}
	return "en"
}
