package objects

import (
	"errors"
	"strings"

	"github.com/johannesboyne/gofakes3"
)

// ErrNothing is answered when no bucket shows anything under a key.
var ErrNothing = errors.New("no bucket shows anything under this key")

// Harm does to an object what may happen to one: it is deleted, or other bytes take its place. Its versions stay.
func (s *Server) Harm(key string, alter bool) error {
	found := false
	buckets, err := s.store.ListBuckets()
	if err != nil {
		return err
	}
	for _, b := range buckets {
		name := b.Name
		if _, err := s.store.HeadObject(name, key); gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchKey) {
			continue
		} else if err != nil {
			return err
		}
		found = true
		if alter {
			const other = "these are other bytes"
			_, err = s.store.PutObject(name, key, nil, strings.NewReader(other), int64(len(other)), nil)
		} else {
			_, err = s.store.DeleteObject(name, key)
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return ErrNothing
	}
	return nil
}
