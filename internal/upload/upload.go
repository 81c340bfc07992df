// Package upload takes files in: a client asks for an address, puts the file there itself, and then names the upload where
// it is wanted. Nothing is believed of a file before it is looked at.
package upload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/member"
	"onebook/internal/store"
)

// Logo is the purpose of the organisation's picture.
const Logo = "logo"

// maxLogo is the largest logo, bytes.
const maxLogo = 1 << 20

// Place is where a file is to be put: one PUT with exactly these headers.
type Place struct {
	UploadID  string
	URL       string
	Headers   map[string]string
	ExpiresAt time.Time
}

// Blobs is where files lie.
type Blobs interface {
	// PresignPut makes an address for one body of this size, type and SHA-256 (hex).
	PresignPut(ctx context.Context, key, contentType string, size int64, sha256 string, ttl time.Duration) (url string, headers map[string]string, err error)
	PutOnce(ctx context.Context, key string, body []byte, contentType string) (version string, err error)
	Get(ctx context.Context, key, version string) (body []byte, got string, err error)
}

// Service takes uploads.
type Service struct {
	Table   store.Table
	Records *activity.Records
	Blobs   Blobs
	IDs     id.Source
	Now     func() time.Time // the product's clock
	Machine func() time.Time // real time, by which addresses end
	// Flatten makes a picture fit to be printed; fault.Invalid says why it is none that can be used.
	Flatten func(file []byte) ([]byte, error)
}

const (
	itemKind = "upload"
	openFor  = 15 * time.Minute
	keptFor  = 24 * time.Hour
)

func itemKey(uploadID string) store.Key { return store.Key{PK: "UPLOAD#" + uploadID, SK: "UPLOAD"} }

func blobKey(uploadID string) string { return "uploads/" + uploadID }

type kept struct {
	Purpose string `json:"purpose"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"`
}

// Begin notes that a file of this size and SHA-256 is coming and answers the upload's id. fault.Invalid names each wrong
// field.
func (s *Service) Begin(ctx context.Context, by activity.By, purpose string, size int64, sum string) (string, error) {
	if err := member.May(by, member.OrganisationEdit); err != nil {
		return "", err
	}
	var f fault.Fields
	if purpose != Logo {
		f.Add("purpose", "invalid", "a purpose is logo")
	}
	if size < 1 || size > maxLogo {
		f.Add("bytes", "invalid", "a logo has 1 byte to 1 MB")
	}
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size {
		f.Add("sha256", "invalid", "that is no SHA-256 in hexadecimal")
	}
	if err := f.Err(); err != nil {
		return "", err
	}
	uploadID, now := s.IDs.New("up"), s.Now().UTC()
	_, err := s.Records.Do(ctx, by, activity.OrgChain(now), func(context.Context, activity.Head) (*activity.Deed, error) {
		body, err := json.Marshal(kept{Purpose: purpose, Bytes: size, SHA256: sum})
		if err != nil {
			return nil, fmt.Errorf("upload: %w", err)
		}
		return &activity.Deed{
			Kind: "upload.begun", Subject: uploadID, Text: "Began to upload a " + purpose,
			Ops: []store.Op{store.Put(store.Item{Key: itemKey(uploadID), Kind: itemKind, Body: body, Expires: now.Add(keptFor)})},
		}, nil
	})
	return uploadID, err
}

// Place answers where the file of an upload is to be put, for a quarter of an hour. fault.NotFound when there is no such
// upload any more.
func (s *Service) Place(ctx context.Context, uploadID string) (Place, error) {
	k, err := s.kept(ctx, uploadID)
	if err != nil {
		return Place{}, err
	}
	p := Place{UploadID: uploadID, ExpiresAt: s.Machine().UTC().Add(openFor).Truncate(time.Second)}
	p.URL, p.Headers, err = s.Blobs.PresignPut(ctx, blobKey(uploadID), "application/octet-stream", k.Bytes, k.SHA256, openFor)
	return p, err
}

func (s *Service) kept(ctx context.Context, uploadID string) (kept, error) {
	missing := fault.NotFound.Errorf("there is no such upload")
	if id.Check("up", uploadID) != nil {
		return kept{}, missing
	}
	it, err := s.Table.Get(ctx, itemKey(uploadID))
	if errors.Is(err, fault.NotFound) || err == nil && !s.Now().Before(it.Expires) {
		return kept{}, missing
	}
	if err != nil {
		return kept{}, err
	}
	var k kept
	if err := json.Unmarshal(it.Body, &k); err != nil {
		return kept{}, fmt.Errorf("upload %s: %w", uploadID, err)
	}
	return k, nil
}

// TakeLogo makes an uploaded picture fit to be printed and answers where it lies and its SHA-256. fault.Invalid, in the
// field logo, when there is no such upload or it is no picture that can be used.
func (s *Service) TakeLogo(ctx context.Context, uploadID string) (key, sum string, err error) {
	missing := fault.InField("logo", "not_found", "there is no such upload; put the file to its address first")
	if _, err := s.kept(ctx, uploadID); errors.Is(err, fault.NotFound) {
		return "", "", missing
	} else if err != nil {
		return "", "", err
	}
	file, _, err := s.Blobs.Get(ctx, blobKey(uploadID), "")
	if errors.Is(err, fault.NotFound) {
		return "", "", missing
	}
	if err != nil {
		return "", "", err
	}
	flat, err := s.Flatten(file)
	if errors.Is(err, fault.Invalid) {
		return "", "", fault.InField("logo", "invalid", "%s", err.Error())
	}
	if err != nil {
		return "", "", err
	}
	digest := sha256.Sum256(flat)
	sum = hex.EncodeToString(digest[:])
	key = "uploads/logo-" + sum
	if _, err := s.Blobs.PutOnce(ctx, key, flat, "application/octet-stream"); err != nil && !errors.Is(err, fault.Exists) {
		return "", "", err
	}
	return key, sum, nil
}
