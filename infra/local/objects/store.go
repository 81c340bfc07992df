package objects

import (
	"bytes"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"
	"go.etcd.io/bbolt"
)

// The database holds one bucket per S3 bucket, named s3:<name>, and in it
//
//	versions   <key> 00 <8 bytes, newest first>   → version, as JSON
//	contents   <version id>                       → the bytes
const (
	prefix   = "s3:"
	versions = "versions"
	contents = "contents"
)

// version is the stored form of one version of an object, or of a delete marker.
type version struct {
	ID       string            `json:"id"`
	Size     int64             `json:"size"`
	MD5      []byte            `json:"md5,omitempty"`
	Meta     map[string]string `json:"meta,omitempty"`
	Modified time.Time         `json:"modified"`
	Deleted  bool              `json:"deleted,omitempty"`
}

// store is gofakes3's backend: versioned always, written with a sync.
type store struct {
	db  *bbolt.DB
	now func() time.Time
}

var (
	_ gofakes3.Backend          = (*store)(nil)
	_ gofakes3.VersionedBackend = (*store)(nil)
)

func (s *store) bucket(tx *bbolt.Tx, name string) (v, c *bbolt.Bucket, err error) {
	b := tx.Bucket([]byte(prefix + name))
	if b == nil {
		return nil, nil, gofakes3.BucketNotFound(name)
	}
	return b.Bucket([]byte(versions)), b.Bucket([]byte(contents)), nil
}

func (s *store) ListBuckets() ([]gofakes3.BucketInfo, error) {
	var out []gofakes3.BucketInfo
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			if n, ok := strings.CutPrefix(string(name), prefix); ok {
				out = append(out, gofakes3.BucketInfo{Name: n, CreationDate: gofakes3.NewContentTime(time.Unix(0, 0).UTC())})
			}
			return nil
		})
	})
	return out, err
}

func (s *store) CreateBucket(name string) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte(prefix + name))
		if err != nil {
			return gofakes3.ResourceError(gofakes3.ErrBucketAlreadyExists, name)
		}
		for _, part := range []string{versions, contents} {
			if _, err := b.CreateBucket([]byte(part)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *store) BucketExists(name string) (exists bool, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error { exists = tx.Bucket([]byte(prefix+name)) != nil; return nil })
	return exists, err
}

func (s *store) DeleteBucket(name string) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		v, _, err := s.bucket(tx, name)
		if err != nil {
			return err
		}
		if k, _ := v.Cursor().First(); k != nil {
			return gofakes3.ResourceError(gofakes3.ErrBucketNotEmpty, name)
		}
		return tx.DeleteBucket([]byte(prefix + name))
	})
}

// ForceDeleteBucket is refused: documents are not thrown away by the bucket.
func (s *store) ForceDeleteBucket(string) error { return gofakes3.ErrNotImplemented }

func (s *store) PutObject(bucket, key string, meta map[string]string, in io.Reader, size int64, conditions *gofakes3.PutConditions) (gofakes3.PutObjectResult, error) {
	var out gofakes3.PutObjectResult
	if key == "" || strings.Contains(key, "\x00") {
		return out, gofakes3.ErrInvalidURI
	}
	body, err := gofakes3.ReadAll(in, size)
	if err != nil {
		return out, err
	}
	sum := md5.Sum(body)
	err = s.db.Update(func(tx *bbolt.Tx) error {
		v, c, err := s.bucket(tx, bucket)
		if err != nil {
			return err
		}
		if conditions != nil {
			old, there, err := latest(v, key)
			if err != nil {
				return err
			}
			if err := gofakes3.CheckPutConditions(conditions, &gofakes3.ConditionalObjectInfo{Exists: there && !old.Deleted, Hash: old.MD5}); err != nil {
				return err
			}
		}
		x := version{ID: versionID(), Size: int64(len(body)), MD5: sum[:], Meta: kept(meta), Modified: s.now().UTC()}
		if err := c.Put([]byte(x.ID), body); err != nil {
			return err
		}
		out.VersionID = gofakes3.VersionID(x.ID)
		return add(v, key, x)
	})
	return out, err
}

// kept leaves out what belongs to the request and not to the object.
func kept(meta map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range meta {
		switch {
		case k == "Content-Encoding" && strings.Contains(v, "aws-chunked"):
		case k == "Content-Type", k == "Content-Disposition", k == "Content-Encoding", k == "Last-Modified",
			strings.HasPrefix(k, "X-Amz-Meta-"), strings.HasPrefix(k, "X-Amz-Checksum-"):
			out[k] = v
		}
	}
	return out
}

// add puts a version before all others of its key.
func add(v *bbolt.Bucket, key string, x version) error {
	n, err := v.NextSequence()
	if err != nil {
		return err
	}
	b, err := json.Marshal(x)
	if err != nil {
		return err
	}
	return v.Put(binary.BigEndian.AppendUint64([]byte(key+"\x00"), math.MaxUint64-n), b)
}

func latest(v *bbolt.Bucket, key string) (x version, there bool, err error) {
	k, b := v.Cursor().Seek([]byte(key + "\x00"))
	if !bytes.HasPrefix(k, []byte(key+"\x00")) {
		return x, false, nil
	}
	return x, true, json.Unmarshal(b, &x)
}

// find answers a version by its id and its place.
func find(v *bbolt.Bucket, key, id string) (version, []byte, error) {
	c := v.Cursor()
	for k, b := c.Seek([]byte(key + "\x00")); bytes.HasPrefix(k, []byte(key+"\x00")); k, b = c.Next() {
		var x version
		if err := json.Unmarshal(b, &x); err != nil {
			return x, nil, err
		}
		if x.ID == id {
			return x, append([]byte(nil), k...), nil
		}
	}
	return version{}, nil, gofakes3.ErrNoSuchVersion
}

func (s *store) read(bucket, key, id string, part *gofakes3.ObjectRangeRequest, body bool) (*gofakes3.Object, error) {
	var out *gofakes3.Object
	err := s.db.View(func(tx *bbolt.Tx) error {
		v, c, err := s.bucket(tx, bucket)
		if err != nil {
			return err
		}
		var x version
		if id == "" {
			var there bool
			if x, there, err = latest(v, key); err == nil && (!there || x.Deleted) {
				err = gofakes3.KeyNotFound(key)
			}
		} else {
			x, _, err = find(v, key, id)
		}
		if err != nil {
			return err
		}
		out = &gofakes3.Object{Name: key, Metadata: x.Meta, Size: x.Size, Hash: x.MD5, VersionID: gofakes3.VersionID(x.ID),
			IsDeleteMarker: x.Deleted, Contents: io.NopCloser(bytes.NewReader(nil))}
		if !body || x.Deleted {
			return nil
		}
		if out.Range, err = part.Range(x.Size); err != nil {
			return err
		}
		b := c.Get([]byte(x.ID))
		if int64(len(b)) != x.Size {
			return fmt.Errorf("the content of %s is damaged: %d bytes of %d", key, len(b), x.Size)
		}
		if out.Range != nil {
			b = b[out.Range.Start : out.Range.Start+out.Range.Length]
		}
		out.Contents = io.NopCloser(bytes.NewReader(bytes.Clone(b)))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *store) GetObject(bucket, key string, part *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return s.read(bucket, key, "", part, true)
}

func (s *store) HeadObject(bucket, key string) (*gofakes3.Object, error) {
	return s.read(bucket, key, "", nil, false)
}

func (s *store) GetObjectVersion(bucket, key string, id gofakes3.VersionID, part *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return s.read(bucket, key, string(id), part, true)
}

func (s *store) HeadObjectVersion(bucket, key string, id gofakes3.VersionID) (*gofakes3.Object, error) {
	return s.read(bucket, key, string(id), nil, false)
}

func (s *store) DeleteObject(bucket, key string) (out gofakes3.ObjectDeleteResult, err error) {
	err = s.db.Update(func(tx *bbolt.Tx) error {
		v, _, err := s.bucket(tx, bucket)
		if err != nil {
			return err
		}
		x := version{ID: versionID(), Modified: s.now().UTC(), Deleted: true}
		out = gofakes3.ObjectDeleteResult{IsDeleteMarker: true, VersionID: gofakes3.VersionID(x.ID)}
		return add(v, key, x)
	})
	return out, err
}

func (s *store) DeleteObjectVersion(bucket, key string, id gofakes3.VersionID) (out gofakes3.ObjectDeleteResult, err error) {
	err = s.db.Update(func(tx *bbolt.Tx) error {
		v, c, err := s.bucket(tx, bucket)
		if err != nil {
			return err
		}
		x, place, err := find(v, key, string(id))
		if err == gofakes3.ErrNoSuchVersion {
			return nil
		}
		if err != nil {
			return err
		}
		out = gofakes3.ObjectDeleteResult{IsDeleteMarker: x.Deleted, VersionID: id}
		if err := c.Delete([]byte(x.ID)); err != nil {
			return err
		}
		return v.Delete(place)
	})
	return out, err
}

func (s *store) DeleteMulti(bucket string, keys ...string) (out gofakes3.MultiDeleteResult, err error) {
	var ids []gofakes3.ObjectID
	for _, k := range keys {
		ids = append(ids, gofakes3.ObjectID{Key: k})
	}
	return s.DeleteMultiVersions(bucket, ids...)
}

func (s *store) DeleteMultiVersions(bucket string, ids ...gofakes3.ObjectID) (out gofakes3.MultiDeleteResult, err error) {
	for _, o := range ids {
		var err error
		if o.VersionID == "" {
			_, err = s.DeleteObject(bucket, o.Key)
		} else {
			_, err = s.DeleteObjectVersion(bucket, o.Key, gofakes3.VersionID(o.VersionID))
		}
		if err != nil {
			return out, err
		}
		out.Deleted = append(out.Deleted, o)
	}
	return out, nil
}

func (s *store) CopyObject(srcBucket, srcKey, dstBucket, dstKey string, meta map[string]string) (gofakes3.CopyObjectResult, error) {
	return gofakes3.CopyObject(s, srcBucket, srcKey, dstBucket, dstKey, meta)
}

func (s *store) VersioningConfiguration(bucket string) (gofakes3.VersioningConfiguration, error) {
	if ok, err := s.BucketExists(bucket); err != nil || !ok {
		return gofakes3.VersioningConfiguration{}, gofakes3.BucketNotFound(bucket)
	}
	return gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled}, nil
}

// SetVersioningConfiguration only confirms what is so anyway.
func (s *store) SetVersioningConfiguration(_ string, v gofakes3.VersioningConfiguration) error {
	if !v.Enabled() || v.MFADelete.Enabled() {
		return gofakes3.ErrNotImplemented
	}
	return nil
}

func versionID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
