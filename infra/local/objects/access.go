package objects

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Access is the key that may use the buckets. A key id may be followed by a dot and a name: it is the same key,
// and the name tells who uses it.
type Access struct{ KeyID, Secret string }

const (
	algorithm = "AWS4-HMAC-SHA256"
	basic     = "20060102T150405Z"
	skew      = 15 * time.Minute // as far as clocks may differ
	longest   = 7 * 24 * time.Hour
	unsigned  = "UNSIGNED-PAYLOAD"
)

var (
	errUnsigned = &refusal{"AccessDenied", "Access Denied"}
	errMismatch = &refusal{"SignatureDoesNotMatch", "The signature does not match the request"}
	errExpired  = &refusal{"AccessDenied", "Request has expired"}
	errKey      = &refusal{"InvalidAccessKeyId", "There is no such access key"}
	errSkewed   = &refusal{"RequestTimeTooSkewed", "The request's time is too far from the server's"}
	errDigest   = &refusal{"BadDigest", "The body does not have the digest that was announced"}
)

// check verifies the signature (version 4) and answers what the request says about its body, and the name in its
// key id.
func (a Access) check(r *http.Request, now time.Time) (payload, user string, err error) {
	path, raw, _ := strings.Cut(r.RequestURI, "?")
	if r.RequestURI == "" {
		path, raw = r.URL.EscapedPath(), r.URL.RawQuery
	}
	q, err := url.ParseQuery(raw)
	if err != nil {
		return "", "", errMismatch
	}
	var credential, headers, signature, date string
	payload = r.Header.Get("X-Amz-Content-Sha256")
	presigned := q.Has("X-Amz-Signature")
	if presigned {
		if q.Get("X-Amz-Algorithm") != algorithm {
			return "", "", errMismatch
		}
		credential, headers, signature, date = q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature"), q.Get("X-Amz-Date")
		if payload == "" || !slices.Contains(strings.Split(headers, ";"), "x-amz-content-sha256") {
			payload = unsigned
		}
	} else {
		rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), algorithm+" ")
		if !ok {
			return "", "", errUnsigned
		}
		for _, part := range strings.Split(rest, ",") {
			switch k, v, _ := strings.Cut(strings.TrimSpace(part), "="); k {
			case "Credential":
				credential = v
			case "SignedHeaders":
				headers = v
			case "Signature":
				signature = v
			}
		}
		date = r.Header.Get("X-Amz-Date")
	}
	at, err := time.Parse(basic, date)
	scope := strings.Split(credential, "/")
	if err != nil || len(scope) != 5 || scope[3] != "s3" || scope[4] != "aws4_request" || scope[1] != date[:8] {
		return "", "", errMismatch
	}
	id, user, _ := strings.Cut(scope[0], ".")
	if id != a.KeyID {
		return "", "", errKey
	}
	signed := strings.Split(headers, ";")
	if !slices.Contains(signed, "host") {
		return "", "", errMismatch
	}
	canonical := strings.Join([]string{r.Method, path, canonicalQuery(q), canonicalHeaders(r, signed), headers, payload}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{algorithm, date, strings.Join(scope[1:], "/"), hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + a.Secret)
	for _, part := range scope[1:] {
		key = mac(key, part)
	}
	if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(mac(key, text))), []byte(signature)) != 1 {
		return "", "", errMismatch
	}
	if !presigned {
		if now.Sub(at).Abs() > skew {
			return "", "", errSkewed
		}
		return payload, user, nil
	}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	life := time.Duration(seconds) * time.Second
	if err != nil || seconds < 1 || life > longest || at.Sub(now) > skew {
		return "", "", errMismatch
	}
	if now.After(at.Add(life)) {
		return "", "", errExpired
	}
	return payload, user, nil
}

func canonicalQuery(q url.Values) string {
	var pairs []string
	for k, values := range q {
		if k == "X-Amz-Signature" {
			continue
		}
		for _, v := range values {
			pairs = append(pairs, escape(k)+"="+escape(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func canonicalHeaders(r *http.Request, signed []string) string {
	var b strings.Builder
	for _, name := range signed {
		var value string
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		default:
			value = strings.Join(r.Header.Values(name), ",")
		}
		b.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	return b.String()
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// digests compares a body with every digest that the request announced.
func digests(h http.Header, payload string, body []byte) error {
	sum := sha256.Sum256(body)
	if len(payload) == 64 && payload != hex.EncodeToString(sum[:]) {
		return errDigest
	}
	if v := h.Get("X-Amz-Checksum-Sha256"); v != "" && v != base64.StdEncoding.EncodeToString(sum[:]) {
		return errDigest
	}
	if v := h.Get("X-Amz-Checksum-Crc32"); v != "" {
		crc := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
		if v != base64.StdEncoding.EncodeToString(crc) {
			return errDigest
		}
	}
	if v := h.Get("Content-Md5"); v != "" {
		m := md5.Sum(body)
		if v != base64.StdEncoding.EncodeToString(m[:]) {
			return errDigest
		}
	}
	return nil
}
