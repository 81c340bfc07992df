package sesmail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"onebook/internal/fault"
)

// maxRecipients is what SES takes for one message.
const maxRecipients = 50

// mime builds the message and answers it with the plain addresses of its recipients.
func (m *Mailer) mime(msg Message) ([]byte, []string, error) {
	if err := check(msg); err != nil {
		return nil, nil, err
	}
	from := m.From
	if msg.FromName != "" {
		from.Name = msg.FromName
	}
	out := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	sender, err := address("from", from)
	if err != nil {
		return nil, nil, err
	}
	out.FromMailAddress(sender)
	var plain []string
	var to []*mail.Address
	for i, a := range msg.To {
		r, err := address(fmt.Sprintf("to[%d]", i), a)
		if err != nil {
			return nil, nil, err
		}
		to, plain = append(to, r), append(plain, r.Address)
	}
	out.ToMailAddress(to...)
	var answers []*mail.Address
	for i, a := range msg.ReplyTo {
		r, err := address(fmt.Sprintf("replyTo[%d]", i), a)
		if err != nil {
			return nil, nil, err
		}
		answers = append(answers, r)
	}
	if len(answers) > 0 {
		out.ReplyToMailAddress(answers...)
	}
	if strings.Contains(msg.Subject, "=?") {
		// The library leaves plain ASCII as it is, and a reader would decode what only looks encoded.
		out.SetGenHeaderPreformatted(gomail.HeaderSubject, encodeWords(msg.Subject))
	} else {
		out.Subject(msg.Subject)
	}
	out.SetDateWithValue(m.Now())
	if msg.Tag != "" {
		_, domain, _ := strings.Cut(sender.Address, "@")
		out.SetMessageIDWithValue(msg.Tag + "@" + domain)
	}
	out.SetGenHeader("Auto-Submitted", "auto-generated") // keeps absence notes from answering
	if msg.Unsubscribe != "" {
		if err := out.SetListUnsubscribeOneClick(msg.Unsubscribe); err != nil {
			return nil, nil, fault.InField("unsubscribe", "invalid", "the address to unsubscribe must be an https one")
		}
	}
	switch {
	case msg.Text == "":
		out.SetBodyString(gomail.TypeTextHTML, msg.HTML)
	case msg.HTML == "":
		out.SetBodyString(gomail.TypeTextPlain, msg.Text)
	default:
		out.SetBodyString(gomail.TypeTextPlain, msg.Text)
		out.AddAlternativeString(gomail.TypeTextHTML, msg.HTML)
	}
	for _, a := range msg.Attachments {
		if err := out.AttachReader(a.Name, bytes.NewReader(a.Data), gomail.WithFileContentType(gomail.ContentType(a.Type))); err != nil {
			return nil, nil, fmt.Errorf("attaching %s: %w", a.Name, err)
		}
	}
	var raw bytes.Buffer
	if _, err := out.WriteTo(&raw); err != nil {
		return nil, nil, fmt.Errorf("building a letter: %w", err)
	}
	return raw.Bytes(), plain, nil
}

// check refuses what has no place in a letter. Text that people typed is cleaned before it comes here; a line
// break in a header's text is therefore somebody's attempt, and an error.
func check(msg Message) error {
	var f fault.Fields
	if len(msg.To) == 0 || len(msg.To) > maxRecipients {
		f.Add("to", "invalid", "a letter needs 1 to %d recipients", maxRecipients)
	}
	if msg.Text == "" && msg.HTML == "" {
		f.Add("text", "required", "a letter needs a text")
	}
	oneLine := func(field, s string) {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, control) {
			f.Add(field, "invalid", "%s may not hold line breaks or control characters", field)
		}
	}
	oneLine("subject", msg.Subject)
	for i, a := range msg.Attachments {
		oneLine(fmt.Sprintf("attachments[%d].name", i), a.Name)
		if strings.ContainsFunc(a.Type, func(r rune) bool { return r <= ' ' && r != ' ' || r == 0x7f || r > 0x7e }) || !strings.Contains(a.Type, "/") {
			f.Add(fmt.Sprintf("attachments[%d].type", i), "invalid", "that is no media type")
		}
	}
	if strings.ContainsFunc(msg.Tag, notInTag) || len(msg.Tag) > 256 {
		f.Add("tag", "invalid", "a tag may hold letters, digits, _ - . @ only")
	}
	if u, err := url.Parse(msg.Unsubscribe); msg.Unsubscribe != "" && (err != nil || strings.ContainsFunc(msg.Unsubscribe, control) || strings.ContainsAny(msg.Unsubscribe, "<> ,") || u.Host == "") {
		f.Add("unsubscribe", "invalid", "that is no address on the web")
	}
	if !utf8.ValidString(msg.Text) || !utf8.ValidString(msg.HTML) {
		f.Add("text", "invalid", "the text is not UTF-8")
	}
	return f.Err()
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 }

func notInTag(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.@", r))
}

// address checks one address and puts its domain into ASCII, as SES wants it.
func address(field string, a mail.Address) (*mail.Address, error) {
	refuse := func(why string) (*mail.Address, error) {
		return nil, fault.InField(field, "invalid", "a letter cannot be addressed to %q: %s", a.Address, why)
	}
	if !utf8.ValidString(a.Name) || strings.ContainsFunc(a.Name, control) {
		return refuse("the name holds a line break or a control character")
	}
	at := strings.LastIndexByte(a.Address, '@')
	if at < 1 {
		return refuse("it is no e-mail address")
	}
	local := a.Address[:at]
	domain, err := idna.Lookup.ToASCII(a.Address[at+1:])
	if err != nil || domain == "" || domain[0] == '[' {
		return refuse("there can be no such domain")
	}
	if strings.ContainsFunc(local, func(r rune) bool { return r <= ' ' || r > 0x7e }) {
		return refuse("the part before the @ may hold plain letters only")
	}
	plain := local + "@" + domain
	if parsed, err := mail.ParseAddress(plain); err != nil || parsed.Address != plain || parsed.Name != "" {
		return refuse("it is no e-mail address")
	}
	return &mail.Address{Name: a.Name, Address: plain}, nil
}

// encodeWords writes s as encoded words (RFC 2047), at most 75 characters each, on lines of their own.
func encodeWords(s string) string {
	const most = 45 // bytes of text in one word
	var words []string
	for len(s) > 0 {
		n := min(len(s), most)
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		words = append(words, "=?UTF-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(words, "\r\n ")
}
