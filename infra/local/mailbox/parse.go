package mailbox

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
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// maxDepth is how deep multiparts may nest before a message counts as hostile.
const maxDepth = 8

// part is a leaf of a message.
type part struct {
	Attachment
	body []byte
}

// parse reads a message back. What it cannot read is an error: the service refuses such a message too.
func parse(raw []byte) (Mail, []part, error) {
	var m Mail
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return m, nil, fmt.Errorf("the message cannot be read: %w", err)
	}
	if m.From, err = addresses(msg.Header, "From"); err != nil {
		return m, nil, err
	}
	if m.To, err = addresses(msg.Header, "To"); err != nil {
		return m, nil, err
	}
	if m.ReplyTo, err = addresses(msg.Header, "Reply-To"); err != nil {
		return m, nil, err
	}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		return m, nil, fmt.Errorf("the subject cannot be read: %w", err)
	}
	var files []part
	if err := walk(textproto.MIMEHeader(msg.Header), msg.Body, 0, func(kind string, p part) {
		switch {
		case p.Name == "" && kind == "text/plain" && m.Text == "":
			m.Text = lines(p.body)
		case p.Name == "" && kind == "text/html" && m.HTML == "":
			m.HTML = lines(p.body)
		default:
			files = append(files, p)
		}
	}); err != nil {
		return m, nil, err
	}
	m.Attachments = []Attachment{}
	for _, f := range files {
		m.Attachments = append(m.Attachments, f.Attachment)
	}
	m.Links = links(m.HTML, m.Text)
	return m, files, nil
}

func addresses(h mail.Header, name string) (string, error) {
	if h.Get(name) == "" {
		return "", nil
	}
	list, err := h.AddressList(name)
	if err != nil {
		return "", fmt.Errorf("the %s line cannot be read: %w", name, err)
	}
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.Address
	}
	return strings.Join(out, ", "), nil
}

func walk(h textproto.MIMEHeader, r io.Reader, depth int, leaf func(kind string, p part)) error {
	if depth > maxDepth {
		return fmt.Errorf("the message is nested too deep")
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if h.Get("Content-Type") == "" {
		kind, err = "text/plain", nil
	}
	if err != nil {
		return fmt.Errorf("a content type cannot be read: %w", err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		mr := multipart.NewReader(r, params["boundary"])
		for {
			p, err := mr.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return fmt.Errorf("a part cannot be read: %w", err)
			}
			if err := walk(p.Header, p, depth+1, leaf); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("a part cannot be decoded: %w", err)
	}
	name := params["name"]
	if disposition, p, err := mime.ParseMediaType(h.Get("Content-Disposition")); err == nil && disposition == "attachment" {
		if name = p["filename"]; name == "" {
			name = "attachment"
		}
	}
	if name, err = new(mime.WordDecoder).DecodeHeader(name); err != nil {
		return fmt.Errorf("a file's name cannot be read: %w", err)
	}
	leaf(kind, part{Attachment{Name: name, Type: kind, Bytes: len(body)}, body})
	return nil
}

func lines(b []byte) string { return strings.ReplaceAll(string(b), "\r\n", "\n") }

var address = regexp.MustCompile(`https?://[^\s<>"']+`)

// links collects where a person could click: the anchors of the HTML, then addresses in the text.
func links(page, text string) []string {
	out := []string{}
	add := func(u string) {
		if u = strings.TrimSpace(u); u != "" && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	z := html.NewTokenizer(strings.NewReader(page))
	for t := z.Next(); t != html.ErrorToken; t = z.Next() {
		if t != html.StartTagToken && t != html.SelfClosingTagToken {
			continue
		}
		if tok := z.Token(); tok.Data == "a" {
			for _, a := range tok.Attr {
				if a.Key == "href" {
					add(a.Val)
				}
			}
		}
	}
	for _, u := range address.FindAllString(text, -1) {
		add(strings.TrimRight(u, ".,;:!?)"))
	}
	return out
}
