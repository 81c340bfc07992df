// Package objects is the bucket for documents on this machine: gofakes3 as the wire, and a store of its own below,
// because a document has to survive what gofakes3's stores do not promise.
//
// Every object keeps all its versions, a write that was answered is on disk, and If-None-Match: * has one winner.
// Requests need a signature by the local key, in the header or in a presigned address; an address that was
// altered or has expired is refused, as S3 would. Times are the machine's.
package objects

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"
	"go.etcd.io/bbolt"
)

// MaxObject is the largest body that is taken.
const MaxObject = 64 << 20

// Server serves the buckets in one database. Make it with Open.
type Server struct {
	Access Access
	// Allow, if set, is asked before a request is served: who signed it, and what it is about. version is "" for
	// the current one. An error refuses it.
	Allow func(user, method, bucket, key, version string) error
	s3    http.Handler
	store *store
	now   func() time.Time
}

// Open serves the buckets of db and makes those named that are missing. A database that does not sync its writes
// is refused.
func Open(db *bbolt.DB, access Access, now func() time.Time, buckets ...string) (*Server, error) {
	if db.NoSync {
		return nil, fmt.Errorf("the documents: their database does not sync")
	}
	s := &store{db: db, now: now}
	for _, name := range buckets {
		if err := gofakes3.ValidateBucketName(name); err != nil {
			return nil, fmt.Errorf("the bucket %q: %w", name, err)
		}
		if err := s.CreateBucket(name); err != nil && !gofakes3.HasErrorCode(err, gofakes3.ErrBucketAlreadyExists) {
			return nil, fmt.Errorf("the bucket %q: %w", name, err)
		}
	}
	fake := gofakes3.New(s, gofakes3.WithTimeSource(clock(now)))
	return &Server{Access: access, s3: fake.Server(), store: s, now: now}, nil
}

// ServeHTTP answers S3's API in path style. A prefix that was stripped before is still part of what was signed.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	payload, user, err := s.Access.check(r, s.now())
	if err != nil {
		refuse(w, http.StatusForbidden, err)
		return
	}
	if s.Allow != nil {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if err := s.Allow(user, r.Method, bucket, key, r.URL.Query().Get("versionId")); err != nil {
			refuse(w, http.StatusForbidden, &refusal{"AccessDenied", err.Error()})
			return
		}
	}
	if strings.HasPrefix(payload, "STREAMING-") {
		refuse(w, http.StatusNotImplemented, &refusal{"NotImplemented", "bodies in signed chunks are not taken here"})
		return
	}
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxObject))
		if err != nil {
			refuse(w, http.StatusBadRequest, &refusal{"EntityTooLarge", "the body is too large or broke off"})
			return
		}
		if err := digests(r.Header, payload, body); err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set("Content-Length", strconv.Itoa(len(body))) // the server has taken it out of the header
	}
	s.s3.ServeHTTP(w, r)
}

// refusal is S3's form of an error.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.message }

func refuse(w http.ResponseWriter, status int, err error) {
	var r *refusal
	if !errors.As(err, &r) {
		r = &refusal{"InternalError", err.Error()}
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	io.WriteString(w, xml.Header)
	xml.NewEncoder(w).Encode(struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}{Code: r.code, Message: r.message})
}

// clock is gofakes3's form of a function that tells the time.
type clock func() time.Time

func (c clock) Now() time.Time                  { return c() }
func (c clock) Since(t time.Time) time.Duration { return c().Sub(t) }

var _ gofakes3.TimeSource = clock(nil)
