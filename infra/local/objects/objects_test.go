package objects

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.etcd.io/bbolt"

	"onebook/internal/fault"
	"onebook/internal/s3blob"
)

const bucket = "onebook-documents"

var access = Access{"local", "local-secret"}

func database(t testing.TB, file string) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

type rig struct {
	*Server
	URL   string
	Blobs *s3blob.Blobs
	ahead atomic.Int64 // how far the server's clock is ahead
}

func start(t testing.TB, db *bbolt.DB) *rig {
	t.Helper()
	r := &rig{}
	s, err := Open(db, access, func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }, bucket)
	if err != nil {
		t.Fatal(err)
	}
	r.Server = s
	web := httptest.NewServer(http.StripPrefix("/_local/s3", s))
	t.Cleanup(web.Close)
	r.URL = web.URL + "/_local/s3"
	r.Blobs = blobs(r.URL, access)
	return r
}

func blobs(endpoint string, a Access) *s3blob.Blobs {
	return s3blob.New(bucket, s3blob.Options{Region: "us-east-1", Endpoint: endpoint, Credentials: aws.CredentialsProviderFunc(
		func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: a.KeyID, SecretAccessKey: a.Secret}, nil
		})})
}

func fetch(t testing.TB, method, url string, body []byte, headers map[string]string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

// A document is written once; whoever comes later learns so and reads the first.
func TestFirstWriterWins(t *testing.T) {
	r := start(t, database(t, filepath.Join(t.TempDir(), "db")))
	const key = "documents/in_1/1.pdf"
	var won sync.Map
	var wins atomic.Int32
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			body := fmt.Appendf(nil, "%%PDF %d", i)
			version, err := r.Blobs.PutOnce(t.Context(), key, body, "application/pdf")
			switch {
			case err == nil:
				wins.Add(1)
				won.Store(version, string(body))
			case !errors.Is(err, fault.Exists):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	body, version, err := r.Blobs.Get(t.Context(), key, "")
	if want, _ := won.Load(version); err != nil || wins.Load() != 1 || want != string(body) {
		t.Errorf("%d winners; read %q of version %s, %v", wins.Load(), body, version, err)
	}
}

// A document that was deleted or overwritten comes back from its recorded version.
func TestVersions(t *testing.T) {
	r := start(t, database(t, filepath.Join(t.TempDir(), "db")))
	key := aws.String("documents/ein Ort/ä+1.pdf")
	v1, err := r.Blobs.PutOnce(t.Context(), *key, []byte("one"), "application/pdf")
	if err != nil || v1 == "" {
		t.Fatal(v1, err)
	}
	c := r.Blobs.Client
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: key, Body: strings.NewReader("altered")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: key}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Blobs.Get(t.Context(), *key, ""); !errors.Is(err, fault.NotFound) {
		t.Errorf("a deleted document: %v", err)
	}
	body, version, err := r.Blobs.Get(t.Context(), *key, v1)
	if err != nil || string(body) != "one" || version != v1 {
		t.Errorf("%q of %s, %v", body, version, err)
	}
	if _, _, err := r.Blobs.Get(t.Context(), *key, strings.Repeat("0", 32)); !errors.Is(err, fault.NotFound) {
		t.Errorf("an unknown version: %v", err)
	}
	list, err := c.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucket)})
	if err != nil || len(list.Versions) != 2 || len(list.DeleteMarkers) != 1 || !*list.DeleteMarkers[0].IsLatest {
		t.Errorf("%+v, %v", list, err)
	}
	if v2, err := r.Blobs.PutOnce(t.Context(), *key, []byte("again"), "application/pdf"); err != nil || v2 == v1 {
		t.Errorf("after its deletion the key is free: %v", err)
	}
}

func TestList(t *testing.T) {
	r := start(t, database(t, filepath.Join(t.TempDir(), "db")))
	for _, k := range []string{"a/1", "a/2", "a/3", "b", "c/1"} {
		if _, err := r.Blobs.PutOnce(t.Context(), k, []byte(k), "text/plain"); err != nil {
			t.Fatal(err)
		}
	}
	all := func(prefix, delimiter string, size int32) (out []string) {
		p := s3.NewListObjectsV2Paginator(r.Blobs.Client, &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &size})
		for p.HasMorePages() {
			page, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range page.CommonPrefixes {
				out = append(out, *x.Prefix)
			}
			for _, x := range page.Contents {
				out = append(out, *x.Key)
			}
		}
		return out
	}
	for size := int32(1); size <= 6; size++ {
		if got := fmt.Sprint(all("", "", size)); got != "[a/1 a/2 a/3 b c/1]" {
			t.Errorf("pages of %d: %s", size, got)
		}
		if got := fmt.Sprint(all("a/", "", size)); got != "[a/1 a/2 a/3]" {
			t.Errorf("prefix, pages of %d: %s", size, got)
		}
		if got := all("", "/", size); len(got) != 3 {
			t.Errorf("folders, pages of %d: %v", size, got)
		}
	}
}

// An address from PresignGet opens in a browser until it expires, under the document's own name, and nothing in
// it can be changed.
func TestPresignedGet(t *testing.T) {
	r := start(t, database(t, filepath.Join(t.TempDir(), "db")))
	if _, err := r.Blobs.PutOnce(t.Context(), "d/1.pdf", []byte("%PDF"), "application/pdf"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Blobs.PutOnce(t.Context(), "d/2.pdf", []byte("other"), "application/pdf"); err != nil {
		t.Fatal(err)
	}
	const name = `Rechnung "Müller"; 1/2.pdf`
	link, err := r.Blobs.PresignGet(t.Context(), "d/1.pdf", name, 5*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	status, body, h := fetch(t, "GET", link, nil, nil)
	if status != 200 || body != "%PDF" || h.Get("Content-Type") != "application/pdf" {
		t.Fatalf("%d %q %v", status, body, h)
	}
	_, params, err := mime.ParseMediaType(h.Get("Content-Disposition"))
	if err != nil || params["filename"] != `Rechnung "Müller"; 1-2.pdf` {
		t.Errorf("%q, %v", h.Get("Content-Disposition"), err)
	}
	u, _ := url.Parse(link)
	altered := func(change func(*url.URL, url.Values)) string {
		x, q := *u, u.Query()
		change(&x, q)
		x.RawQuery = q.Encode()
		return x.String()
	}
	for name, bad := range map[string]string{
		"another document": altered(func(x *url.URL, _ url.Values) { x.Path = strings.Replace(x.Path, "1.pdf", "2.pdf", 1) }),
		"a longer life":    altered(func(_ *url.URL, q url.Values) { q.Set("X-Amz-Expires", "604800") }),
		"another name":     altered(func(_ *url.URL, q url.Values) { q.Set("response-content-disposition", "inline") }),
		"another type":     altered(func(_ *url.URL, q url.Values) { q.Set("response-content-type", "text/html") }),
		"no signature":     altered(func(_ *url.URL, q url.Values) { q.Del("X-Amz-Signature") }),
		"nothing signed":   r.URL + "/" + bucket + "/d/1.pdf",
	} {
		if status, body, _ := fetch(t, "GET", bad, nil, nil); status != 403 || strings.Contains(body, "%PDF") {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if status, _, _ := fetch(t, "PUT", link, []byte("x"), nil); status != 403 {
		t.Errorf("writing with an address to read: %d", status)
	}
	r.ahead.Store(int64(5*time.Minute + 2*time.Second))
	if status, body, _ := fetch(t, "GET", link, nil, nil); status != 403 || !strings.Contains(body, "expired") {
		t.Errorf("after 5 minutes: %d %s", status, body)
	}
}

// An upload takes exactly the file that was announced, once.
func TestPresignedPut(t *testing.T) {
	r := start(t, database(t, filepath.Join(t.TempDir(), "db")))
	file := []byte("a,b\n1,2\n")
	sum := sha256.Sum256(file)
	up, err := r.Blobs.PresignPut(t.Context(), "uploads/1", "text/csv", int64(len(file)), hex.EncodeToString(sum[:]), 15*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.ToUpper(file)
	if status, body, _ := fetch(t, "PUT", up.URL, other, up.Headers); status/100 != 4 {
		t.Errorf("another file of the same length: %d %s", status, body)
	}
	if status, body, _ := fetch(t, "PUT", up.URL, append(file, '\n'), up.Headers); status/100 != 4 {
		t.Errorf("a longer file: %d %s", status, body)
	}
	if status, body, _ := fetch(t, "PUT", up.URL, file, up.Headers); status != 200 {
		t.Fatalf("the file itself: %d %s (%v)", status, body, up.Headers)
	}
	if status, _, _ := fetch(t, "PUT", up.URL, file, up.Headers); status != 412 {
		t.Errorf("a second time: %d", status)
	}
	if got, _, err := r.Blobs.Get(t.Context(), "uploads/1", ""); err != nil || !bytes.Equal(got, file) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := r.Blobs.PresignPut(t.Context(), "uploads/2", "text/csv", 5, "xyz", time.Minute); !errors.Is(err, fault.Invalid) {
		t.Errorf("a broken digest: %v", err)
	}
}

func TestStrangers(t *testing.T) {
	r := start(t, database(t, filepath.Join(t.TempDir(), "db")))
	for name, a := range map[string]Access{"another key": {"other", "local-secret"}, "another secret": {"local", "guess"}} {
		_, err := blobs(r.URL, a).PutOnce(t.Context(), "k", []byte("x"), "text/plain")
		if err == nil || fault.KindOf(err) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.ahead.Store(int64(time.Hour))
	if _, err := r.Blobs.PutOnce(t.Context(), "k", []byte("x"), "text/plain"); err == nil {
		t.Error("a request an hour old was taken")
	}
}

// Who signed decides what is served, by a direct call and by an address alike.
func TestAllow(t *testing.T) {
	r := start(t, database(t, filepath.Join(t.TempDir(), "db")))
	if _, err := r.Blobs.PutOnce(t.Context(), "documents/1.pdf", []byte("x"), "application/pdf"); err != nil {
		t.Fatal(err)
	}
	var asked []string
	r.Allow = func(user, method, bucket, key, version string) error {
		asked = append(asked, strings.Join([]string{user, method, bucket, key, version}, " "))
		if user != "portal" {
			return errors.New("no")
		}
		return nil
	}
	for user, want := range map[string]int{"portal": 200, "settings": 403} {
		b := blobs(r.URL, Access{access.KeyID + "." + user, access.Secret})
		if _, _, err := b.Get(t.Context(), "documents/1.pdf", ""); (err == nil) != (want == 200) {
			t.Errorf("%s: %v", user, err)
		}
		link, err := b.PresignGet(t.Context(), "documents/1.pdf", "", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if status, _, _ := fetch(t, "GET", link, nil, nil); status != want {
			t.Errorf("%s by an address: %d", user, status)
		}
	}
	if len(asked) != 4 || !strings.HasSuffix(asked[0], " GET onebook-documents documents/1.pdf ") {
		t.Errorf("asked %q", asked)
	}
}

// After a restart everything is there; a database that forgets is refused.
func TestRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db")
	db, err := bbolt.Open(file, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	version, err := start(t, db).Blobs.PutOnce(t.Context(), "k", []byte("x"), "text/plain")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if got, v, err := start(t, database(t, file)).Blobs.Get(t.Context(), "k", ""); err != nil || string(got) != "x" || v != version {
		t.Errorf("%q %s, %v", got, v, err)
	}
	loose, err := bbolt.Open(filepath.Join(t.TempDir(), "db"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer loose.Close()
	if _, err := Open(loose, access, time.Now, bucket); err == nil {
		t.Error("a database without sync was taken")
	}
}
