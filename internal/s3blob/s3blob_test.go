package s3blob

import (
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"onebook/internal/fault"
)

func against(url string) *Blobs {
	b := New("onebook-documents", Options{Region: "us-east-1", Endpoint: url, Credentials: aws.CredentialsProviderFunc(
		func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "k", SecretAccessKey: "s"}, nil
		})})
	quick := retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	b.Client = s3.New(b.Client.Options(), func(o *s3.Options) { o.Retryer = quick })
	return b
}

// What S3 says decides whether the deed may be done again, was done, or is refused for good. What the SDK does by
// itself (three tries of a failed call) is part of it.
func TestErrors(t *testing.T) {
	cases := []struct {
		name     string
		statuses []int // answers in turn, the last one for ever
		code     string
		want     error // nil: internal; io.EOF: none
	}{
		{"taken", []int{412}, "PreconditionFailed", fault.Exists},
		{"taken, after a race", []int{409, 409, 412}, "ConditionalRequestConflict", fault.Exists},
		{"won, after a race", []int{409, 200}, "ConditionalRequestConflict", io.EOF},
		{"a race without end", []int{409}, "ConditionalRequestConflict", fault.Busy},
		{"throttled", []int{503}, "SlowDown", fault.Busy},
		{"failed inside", []int{500}, "InternalError", fault.Busy},
		{"failed once", []int{500, 200}, "InternalError", io.EOF},
		{"no right", []int{403}, "AccessDenied", nil},
		{"no bucket", []int{404}, "NoSuchBucket", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("If-None-Match") != "*" {
					t.Error("the write has no condition")
				}
				status := c.statuses[min(int(asked.Add(1)), len(c.statuses))-1]
				w.Header().Set("X-Amz-Version-Id", "v1")
				w.WriteHeader(status)
				if status != 200 {
					io.WriteString(w, "<Error><Code>"+c.code+"</Code><Message>no</Message></Error>")
				}
			}))
			defer s.Close()
			version, err := against(s.URL).PutOnce(t.Context(), "k", []byte("x"), "application/pdf")
			switch {
			case c.want == io.EOF:
				if err != nil || version != "v1" {
					t.Errorf("%q, %v", version, err)
				}
			case c.want == nil:
				if err == nil || fault.KindOf(err) != 0 {
					t.Errorf("got %v", err)
				}
			case !errors.Is(err, c.want):
				t.Errorf("got %v", err)
			}
			if n := asked.Load(); n > conflicts*3 {
				t.Errorf("asked %d times", n)
			}
			// A person is told what is wrong, and not what the SDK prints.
			var f *fault.Error
			if errors.As(err, &f) && strings.Contains(f.Message, "StatusCode") {
				t.Errorf("the message is %q", f.Message)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, err := against("http://"+l.Addr().String()).PutOnce(ctx, "k", []byte("x"), "text/plain"); !errors.Is(err, fault.Busy) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no document", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(404)
			io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
		}))
		defer s.Close()
		if _, _, err := against(s.URL).Get(t.Context(), "k", ""); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cut off while reading", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
		}))
		defer s.Close()
		if _, _, err := against(s.URL).Get(t.Context(), "k", ""); !errors.Is(err, fault.Busy) {
			t.Errorf("got %v", err)
		}
	})
}

// Whatever a document is called, the download has one name, without folders, and no second header.
func FuzzDisposition(f *testing.F) {
	for _, s := range []string{"Invoice 1.pdf", "Müller & Söhne.pdf", "a\"; filename=evil.exe", "../../etc/passwd", `..\..\a`, "x\r\nSet-Cookie: a=1", "", "...", "\u202efdp.exe", "%41"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		h := disposition(name)
		if strings.ContainsAny(h, "\r\n\x00") {
			t.Fatalf("%q", h)
		}
		for _, r := range h {
			if r > 0x7e {
				t.Fatalf("%q is not ASCII", h)
			}
		}
		kind, params, err := mime.ParseMediaType(h)
		got := params["filename"]
		if err != nil || kind != "attachment" || len(params) != 1 || got == "" || strings.ContainsAny(got, `/\`) || !utf8.ValidString(got) {
			t.Fatalf("%q: %v, %v", h, params, err)
		}
	})
}

func TestDisposition(t *testing.T) {
	for name, want := range map[string]string{
		"Invoice 2026-0001.pdf": `attachment; filename="Invoice 2026-0001.pdf"; filename*=UTF-8''Invoice%202026-0001.pdf`,
		"Rechnung Müller.pdf":   `attachment; filename="Rechnung M_ller.pdf"; filename*=UTF-8''Rechnung%20M%C3%BCller.pdf`,
		"a\r\nb/c\"d":           `attachment; filename="ab-c_d"; filename*=UTF-8''ab-c%22d`,
		"":                      `attachment; filename="document"; filename*=UTF-8''document`,
	} {
		if got := disposition(name); got != want {
			t.Errorf("%q: %s", name, got)
		}
	}
}

// Who may not list the bucket hears 403 of a key that is missing, and a document that is missing must be told from one that
// cannot be reached.
func TestCurrentTellsWhatIsMissing(t *testing.T) {
	for answer, want := range map[int]fault.Kind{
		http.StatusNotFound: fault.NotFound, http.StatusForbidden: fault.NotFound, http.StatusServiceUnavailable: fault.Busy,
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(answer) }))
		if _, err := against(s.URL).Current(t.Context(), "documents/in_1/1.pdf"); !errors.Is(err, want) {
			t.Errorf("%d is answered with %v", answer, err)
		}
		s.Close()
	}
}
