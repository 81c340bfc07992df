package sesmail

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/fault"
)

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

// Replies as programs write them: what was said is read, whatever it is wrapped in.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		what, raw, from, subject, text string
		files                          []File
		automatic                      bool
	}{
		{
			"plain text in an old character set",
			"From: =?iso-8859-1?Q?J=FCrgen?= <j@x.example>\nTo: r@y.example\nSubject: =?iso-8859-1?Q?Re:_Rechnung_f=FCr_M=E4rz?=\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nSch=F6nen Dank!\n",
			"Jürgen <j@x.example>", "Re: Rechnung für März", "Schönen Dank!", nil, false,
		},
		{
			"two forms and a file",
			"From: j@x.example\nSubject: Re\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain; charset=utf-8\n\nHello\n--a\nContent-Type: text/html\n\n<p>Hello page</p>\n--a--\n--b\nContent-Type: application/pdf; name=\"=?utf-8?B?w6QucGRm?=\"\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\nAAECAw==\n--b--\n",
			" <j@x.example>", "Re", "Hello", []File{{"ä.pdf", "application/pdf", 4}}, false,
		},
		{
			"a page alone",
			"From: j@x.example\nSubject: Re\nContent-Type: text/html; charset=windows-1252\n\n<html><head><title>T</title><style>p{}</style></head><body><p>Caf\xe9 &amp; more</p><script>alert(1)</script><div>Bye<br>J</div></body></html>\n",
			" <j@x.example>", "Re", "Café & more\n\nBye\nJ", nil, false,
		},
		{"an absence note", "From: j@x.example\nAuto-Submitted: auto-replied\n\nI am away\n", " <j@x.example>", "", "I am away", nil, true},
		{"a broken part", "From: j@x.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nFirst\n--b\nContent-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\n%%%", " <j@x.example>", "", "First", []File{{"a.png", "image/png", 0}}, false},
		{"an unknown character set", "From: j@x.example\nContent-Type: text/plain; charset=klingon\n\nab\xff\n", " <j@x.example>", "", "ab\uFFFD", nil, false},
	} {
		in, err := Parse(crlf(c.raw))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		got := []any{in.From.Name + " <" + in.From.Address + ">", in.Subject, strings.TrimSpace(strings.ReplaceAll(in.Text, "\r\n", "\n")), in.Files, in.Automatic}
		want := []any{c.from, c.subject, c.text, c.files, c.automatic}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", c.what, diff)
		}
	}
	in, err := Parse(crlf("From: j@x.example\nTo: A <a@y.example>, reply+ef_1@y.example\nCc: b@y.example\n\nx"))
	if err != nil || cmp.Diff(in.To, []string{"a@y.example", "reply+ef_1@y.example", "b@y.example"}) != "" {
		t.Errorf("%+v %v", in, err)
	}
	for _, raw := range []string{"", "no mail at all", "Subject: x\n\nwithout a sender", "From: <>\n\nx"} {
		if _, err := Parse(crlf(raw)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// Whatever comes in, it is read or refused, and a nest of parts ends.
func FuzzParse(f *testing.F) {
	f.Add([]byte("From: j@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"))
	f.Add([]byte("From: j@x.example\r\nContent-Type: text/html\r\n\r\n<p>x"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		in, err := Parse(raw)
		if err == nil && in.From.Address == "" {
			t.Errorf("%q has no sender", raw)
		}
	})
}
