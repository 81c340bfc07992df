// Package s3blob keeps documents in an S3 bucket.
//
// A document is written once: the first writer of a key wins, whatever code it runs, and every later one learns
// that the key is taken (fault.Exists) and reads what is there. The bucket is versioned; the version that a write
// answers is what restores the document should the current one be lost or altered.
//
// fault.Busy is answered when S3 could not be reached, throttled, or failed inside; doing the same again is safe.
package s3blob

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"onebook/internal/fault"
)

// Blobs is one bucket. Make it by a literal, or with New.
type Blobs struct {
	Client  *s3.Client
	Bucket  string
	Presign *s3.PresignClient
}

// Options say how S3 is reached.
type Options struct {
	Region      string
	Credentials aws.CredentialsProvider
	Endpoint    string       // empty: the region's own; else path style under this address
	HTTP        *http.Client // nil: the SDK's own
}

// New makes the client of one bucket.
func New(bucket string, o Options) *Blobs {
	options := s3.Options{Region: o.Region, Credentials: o.Credentials}
	if o.Endpoint != "" {
		options.BaseEndpoint, options.UsePathStyle = &o.Endpoint, true
	}
	if o.HTTP != nil {
		options.HTTPClient = o.HTTP
	}
	client := s3.New(options)
	return &Blobs{Client: client, Bucket: bucket, Presign: s3.NewPresignClient(client)}
}

// conflicts is how often a write is tried that met another one of the same key in flight.
const conflicts = 5

// PutOnce writes body under key unless the key is taken, and answers the version written. fault.Exists when it is
// taken, perhaps by an earlier try of ours whose answer was lost: the caller reads and compares.
func (b *Blobs) PutOnce(ctx context.Context, key string, body []byte, contentType string) (string, error) {
	var err error
	for range conflicts {
		var out *s3.PutObjectOutput
		out, err = b.Client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.Bucket, Key: &key, Body: bytes.NewReader(body),
			ContentType: &contentType, IfNoneMatch: aws.String("*")})
		if err == nil {
			return aws.ToString(out.VersionId), nil
		}
		if status(err) != http.StatusConflict {
			break
		}
	}
	if status(err) == http.StatusPreconditionFailed {
		return "", fmt.Errorf("%w: %w", fault.Exists.Errorf("the document %s is stored already", key), err)
	}
	return "", b.classify(key, err)
}

// Get reads a document: the current version, or the one named when version is not empty. It answers the version
// it read. fault.NotFound when there is none.
func (b *Blobs) Get(ctx context.Context, key, version string) ([]byte, string, error) {
	in := &s3.GetObjectInput{Bucket: &b.Bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := b.Client.GetObject(ctx, in)
	if err != nil {
		return nil, "", b.classify(key, err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", fault.Busy.Errorf("reading the document %s broke off; try again", key), err)
	}
	return body, aws.ToString(out.VersionId), nil
}

// PutAgain writes body under key whatever it holds, and answers the version written: for a document that was lost or
// altered and whose recorded bytes take their place again.
func (b *Blobs) PutAgain(ctx context.Context, key string, body []byte, contentType string) (string, error) {
	out, err := b.Client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.Bucket, Key: &key, Body: bytes.NewReader(body), ContentType: &contentType})
	if err != nil {
		return "", b.classify(key, err)
	}
	return aws.ToString(out.VersionId), nil
}

// Current answers the version that a key shows. fault.NotFound when it shows none.
func (b *Blobs) Current(ctx context.Context, key string) (string, error) {
	out, err := b.Client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.Bucket, Key: &key})
	if status(err) == http.StatusForbidden {
		// S3 tells 403 and not 404 of a missing key to who may not list the bucket, and no function may.
		return "", fmt.Errorf("%w: %w", fault.NotFound.Errorf("there is no document %s", key), err)
	}
	if err != nil {
		return "", b.classify(key, err)
	}
	return aws.ToString(out.VersionId), nil
}

// PresignGet makes an address under which anybody can read the document until ttl has passed by the machine's
// clock (5 minutes at most by the product's rules). A browser stores it under filename.
func (b *Blobs) PresignGet(ctx context.Context, key, filename string, ttl time.Duration) (string, error) {
	in := &s3.GetObjectInput{Bucket: &b.Bucket, Key: &key}
	if filename != "" {
		in.ResponseContentDisposition = aws.String(disposition(filename))
	}
	out, err := b.Presign.PresignGetObject(ctx, in, s3.WithPresignExpires(ttl))
	if err != nil {
		return "", fmt.Errorf("an address for %s: %w", key, err)
	}
	return out.URL, nil
}

// Upload is what a client needs to put one file into the bucket: it sends exactly these headers.
type Upload struct {
	URL     string
	Headers map[string]string
}

// PresignPut makes an address under which anybody can write exactly one body: of this many bytes, this type and
// this SHA-256 (hex), until ttl has passed, and only while the key is free.
func (b *Blobs) PresignPut(ctx context.Context, key, contentType string, size int64, sha256 string, ttl time.Duration) (Upload, error) {
	sum, err := hex.DecodeString(sha256)
	if err != nil || len(sum) != 32 {
		return Upload{}, fault.InField("sha256", "invalid", "that is no SHA-256 in hexadecimal")
	}
	if size <= 0 {
		return Upload{}, fault.InField("bytes", "invalid", "a file has at least one byte")
	}
	out, err := b.Presign.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &b.Bucket, Key: &key, ContentType: &contentType, ContentLength: &size,
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum)), IfNoneMatch: aws.String("*")}, s3.WithPresignExpires(ttl))
	if err != nil {
		return Upload{}, fmt.Errorf("an address for %s: %w", key, err)
	}
	u := Upload{URL: out.URL, Headers: map[string]string{}}
	for k := range out.SignedHeader {
		// The browser writes these two itself and lets nobody else.
		if k != "Host" && k != "Content-Length" {
			u.Headers[k] = out.SignedHeader.Get(k)
		}
	}
	return u, nil
}

func (b *Blobs) classify(key string, err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NoSuchKey", "NoSuchVersion", "NotFound":
			return fmt.Errorf("%w: %w", fault.NotFound.Errorf("there is no document %s", key), err)
		}
	}
	// Without an answer nothing is known, and a cancelled caller may ask again too.
	if s := status(err); s == 0 || s >= 500 || s == http.StatusTooManyRequests || s == http.StatusRequestTimeout || s == http.StatusConflict {
		return fmt.Errorf("%w: %w", fault.Busy.Errorf("the store of documents is busy; try again in a moment"), err)
	}
	return fmt.Errorf("the document %s: %w", key, err)
}

func status(err error) int {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}
