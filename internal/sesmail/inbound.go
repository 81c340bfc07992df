package sesmail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding/htmlindex"

	"onebook/internal/fault"
)

// Inbound is a mail that came in, as far as it is kept.
type Inbound struct {
	From      mail.Address
	To        []string // plain addresses of To and Cc
	Subject   string
	Text      string // the plain text, or the page's words where there is none
	Files     []File
	Automatic bool // an absence note or another machine's answer
}

// File is what a mail says of an attached file, and how large it is.
type File struct {
	Name, Type string
	Bytes      int
}

// Limits of what is read of a mail, against ones that are made to hurt.
const (
	maxDepth = 8
	maxFiles = 50
	maxBody  = 1 << 20 // bytes of text that are decoded
)

// Parse reads a mail. What cannot be read of its parts is left out, since somebody wrote it and wants to be heard; without a
// readable head and sender it is a fault.Invalid.
func Parse(raw []byte) (Inbound, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Inbound{}, fault.Invalid.Errorf("the mail cannot be read: %v", err)
	}
	words := &mime.WordDecoder{CharsetReader: reader}
	parser := mail.AddressParser{WordDecoder: words}
	from, err := parser.ParseList(msg.Header.Get("From"))
	if err != nil || len(from) == 0 {
		return Inbound{}, fault.Invalid.Errorf("the mail has no readable sender")
	}
	in := Inbound{From: *from[0], Automatic: automatic(msg.Header)}
	for _, name := range []string{"To", "Cc"} {
		for _, line := range msg.Header[name] {
			list, err := parser.ParseList(line)
			if err != nil {
				continue
			}
			for _, a := range list {
				in.To = append(in.To, a.Address)
			}
		}
	}
	if in.Subject, err = words.DecodeHeader(msg.Header.Get("Subject")); err != nil {
		in.Subject = msg.Header.Get("Subject")
	}
	b := &bodies{words: words}
	b.walk(textproto.MIMEHeader(msg.Header), msg.Body, 0)
	if in.Text, in.Files = b.text, b.files; strings.TrimSpace(in.Text) == "" {
		in.Text = wordsOf(b.page)
	}
	return in, nil
}

// automatic reports what RFC 3834 and common usage say of mails that no person wrote.
func automatic(h mail.Header) bool {
	auto := strings.ToLower(strings.TrimSpace(h.Get("Auto-Submitted")))
	switch strings.ToLower(h.Get("Precedence")) {
	case "bulk", "junk", "auto_reply":
		return true
	}
	return auto != "" && auto != "no" || h.Get("X-Autoreply") != "" || h.Get("X-Autorespond") != ""
}

// bodies gathers the parts of a mail.
type bodies struct {
	words      *mime.WordDecoder
	text, page string
	files      []File
}

func (b *bodies) walk(h textproto.MIMEHeader, r io.Reader, depth int) {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind, params = "text/plain", map[string]string{}
	}
	if strings.HasPrefix(kind, "multipart/") && depth < maxDepth {
		mr := multipart.NewReader(r, params["boundary"])
		for {
			p, err := mr.NextRawPart()
			if err != nil {
				return // the end, or nothing that could be read further
			}
			b.walk(p.Header, p, depth+1)
		}
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding"))) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	disposition, at, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	name := at["filename"]
	if name == "" {
		name = params["name"]
	}
	if plain, err := b.words.DecodeHeader(name); err == nil {
		name = plain
	}
	switch {
	case disposition != "attachment" && name == "" && kind == "text/plain":
		if s := decoded(r, params["charset"]); b.text == "" {
			b.text = s
		}
	case disposition != "attachment" && name == "" && kind == "text/html":
		if s := decoded(r, params["charset"]); b.page == "" {
			b.page = s
		}
	case len(b.files) < maxFiles:
		n, _ := io.Copy(io.Discard, r) // a file that breaks off is as long as it came
		if name == "" {
			name = kind
		}
		b.files = append(b.files, File{Name: name, Type: kind, Bytes: int(n)})
	}
}

// decoded reads a text in its character set; bytes that have no meaning in it become marks of replacement.
func decoded(r io.Reader, charset string) string {
	if plain, err := reader(charset, r); err == nil {
		r = plain
	}
	raw, _ := io.ReadAll(io.LimitReader(r, maxBody)) // what could be read before it broke off
	return strings.ToValidUTF8(string(raw), "\uFFFD")
}

// reader decodes a character set that mail programs name.
func reader(charset string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(charset) {
	case "", "utf-8", "us-ascii":
		return r, nil
	}
	e, err := htmlindex.Get(charset)
	if err != nil {
		return nil, fmt.Errorf("the character set %.40q: %w", charset, err)
	}
	return e.NewDecoder().Reader(r), nil
}

// wordsOf are the words of a page, block by block.
func wordsOf(page string) string {
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(page))
	hidden := 0
	for {
		switch t := z.Next(); t {
		case html.ErrorToken:
			var lines []string
			for _, l := range strings.Split(out.String(), "\n") {
				if l = strings.Join(strings.Fields(l), " "); l != "" || len(lines) > 0 && lines[len(lines)-1] != "" {
					lines = append(lines, l)
				}
			}
			return strings.TrimSpace(strings.Join(lines, "\n"))
		case html.TextToken:
			if hidden == 0 {
				out.WriteString(html.UnescapeString(string(z.Text())))
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch string(name) {
			case "style", "script", "head", "title":
				if t == html.StartTagToken {
					hidden++
				} else if t == html.EndTagToken && hidden > 0 {
					hidden--
				}
			case "p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "table":
				out.WriteByte('\n')
			}
		}
	}
}
