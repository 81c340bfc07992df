// Package issuer is the local sign-in: it signs tokens with exactly the claims that Cognito puts into them, for one
// demo member per role, and publishes its key as an OIDC issuer does.
//
// The key lives in the data folder, so tokens and subjects survive a restart. A subject is made from the role
// alone: it stays the same in every data folder. Tokens live by the machine's clock, never by the product's.
package issuer

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"onebook/infra/local/disk"
	"onebook/infra/local/invoke"
)

// Roles are the demo members that can sign in, one each.
var Roles = []string{"owner", "admin", "billing", "booking", "sales", "viewer"}

// Lifetime of a token: longer than the template's, so that a script that works for a while need not sign in again.
const Lifetime = time.Hour

// Issuer signs tokens. Make it with Open.
type Issuer struct {
	URL      string // iss
	ClientID string
	Now      func() time.Time

	key *rsa.PrivateKey
	kid string
}

// Open reads the key from folder, or makes one there at the first time.
func Open(folder, url, clientID string, now func() time.Time) (*Issuer, error) {
	file := filepath.Join(folder, "issuer.pem")
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		b, err = create(file)
	}
	if err != nil {
		return nil, fmt.Errorf("the issuer's key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("the issuer's key %s cannot be read; delete it and all tokens are void", file)
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the issuer's key %s: %w", file, err)
	}
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	return &Issuer{URL: url, ClientID: clientID, Now: now, key: key, kid: base64.RawURLEncoding.EncodeToString(sum[:16])}, nil
}

func create(file string) ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	b := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return b, disk.Replace(file, b)
}

// Key answers the public key of a kid, for the door's authorizer.
func (i *Issuer) Key(kid string) (*rsa.PublicKey, bool) { return &i.key.PublicKey, kid == i.kid }

// JWKS is the published key set.
func (i *Issuer) JWKS() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &i.key.PublicKey, KeyID: i.kid, Algorithm: "RS256", Use: "sig"}}}
}

// Subject is the sub of a role's demo member: the key of the member's record.
func Subject(role string) string {
	s := sha256.Sum256([]byte("onebook demo member: " + role))
	s[6], s[8] = s[6]&0x0f|0x50, s[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", s[:4], s[4:6], s[6:8], s[8:10], s[10:16])
}

// Known reports whether there is a demo member of this role.
func Known(role string) bool { return slices.Contains(Roles, role) }

// Access makes the access token of a role's member.
func (i *Issuer) Access(role string) string { return i.Sign(i.AccessClaims(role)) }

// ID makes the ID token of a role's member: good for the app to show who is there, and for no API.
func (i *Issuer) ID(role, nonce string) string {
	now := i.Now().Unix()
	claims := map[string]any{
		"sub": Subject(role), "iss": i.URL, "aud": i.ClientID, "token_use": "id", "auth_time": now, "iat": now,
		"exp": now + int64(Lifetime.Seconds()), "jti": invoke.RequestID(), "origin_jti": invoke.RequestID(),
		"cognito:username": Subject(role), "email": role + "@demo.invalid", "email_verified": true, "name": "Demo " + role,
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	return i.Sign(claims)
}

// AccessClaims are the claims of an access token as Cognito writes them: a client_id and no aud, and nothing that
// tells who the person is but the subject.
func (i *Issuer) AccessClaims(role string) map[string]any {
	now := i.Now().Unix()
	return map[string]any{
		"sub": Subject(role), "iss": i.URL, "client_id": i.ClientID, "origin_jti": invoke.RequestID(), "token_use": "access",
		"scope": "openid", "auth_time": now, "iat": now, "exp": now + int64(Lifetime.Seconds()),
		"jti": invoke.RequestID(), "username": Subject(role),
	}
}

// Sign signs any claims with the issuer's key: tests forge expired and foreign tokens with it.
func (i *Issuer) Sign(claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: i.key, KeyID: i.kid}}, nil)
	if err != nil {
		panic(fmt.Sprintf("issuer: %v", err)) // a key that Open accepted can sign
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(fmt.Sprintf("issuer: %v", err)) // claims are plain values
	}
	return token
}
