package gateway

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Authorizer checks bearer tokens as the JWT authorizer of an HTTP API does: RS256 by a key of the issuer's
// JWKS, issuer, audience, and the times by the machine's clock, without leeway. Like the real one it looks at
// client_id only in a token that has no aud, and never at token_use: an ID token passes, and the function has to
// refuse it.
type Authorizer struct {
	Issuer   string
	Audience []string                                // the client ids of the template
	Key      func(kid string) (*rsa.PublicKey, bool) // the issuer's keys
}

var errNoToken = errors.New("there is no token")

func (a *Authorizer) check(header string, now time.Time) (map[string]string, error) {
	if a == nil {
		return nil, errors.New("there is no authorizer")
	}
	raw := header
	if len(raw) >= 7 && strings.EqualFold(raw[:7], "bearer ") {
		raw = raw[7:]
	}
	if raw = strings.TrimSpace(raw); raw == "" {
		return nil, errNoToken
	}
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, errors.New("the token cannot be read")
	}
	if len(token.Headers) != 1 {
		return nil, errors.New("the token has not exactly one signature")
	}
	key, ok := a.Key(token.Headers[0].KeyID)
	if !ok {
		return nil, errors.New("the token is signed by an unknown key")
	}
	var claims map[string]any
	if err := token.Claims(key, &claims); err != nil {
		return nil, errors.New("the signature is wrong")
	}
	if iss, _ := claims["iss"].(string); iss != a.Issuer {
		return nil, errors.New("the token is of another issuer")
	}
	if !a.audience(claims) {
		return nil, errors.New("the token is for another audience")
	}
	if err := times(claims, now); err != nil {
		return nil, err
	}
	return texts(claims), nil
}

func (a *Authorizer) audience(claims map[string]any) bool {
	switch aud := claims["aud"].(type) {
	case nil:
		id, _ := claims["client_id"].(string)
		return slices.Contains(a.Audience, id)
	case string:
		return slices.Contains(a.Audience, aud)
	case []any:
		return slices.ContainsFunc(aud, func(x any) bool {
			s, _ := x.(string)
			return slices.Contains(a.Audience, s)
		})
	}
	return false
}

func times(claims map[string]any, now time.Time) error {
	at := func(name string) (int64, bool, error) {
		v, there := claims[name]
		if !there {
			return 0, false, nil
		}
		n, ok := v.(float64)
		if !ok {
			return 0, false, fmt.Errorf("%s is no number", name)
		}
		return int64(n), true, nil
	}
	exp, there, err := at("exp")
	switch {
	case err != nil:
		return err
	case !there:
		return errors.New("the token never expires")
	case now.Unix() >= exp:
		return errors.New("the token has expired")
	}
	for _, name := range []string{"nbf", "iat"} {
		t, there, err := at(name)
		if err != nil {
			return err
		}
		if there && t > now.Unix() {
			return fmt.Errorf("%s lies ahead", name)
		}
	}
	return nil
}

// texts gives the claims as the payload carries them: text only, a list as [a b].
func texts(claims map[string]any) map[string]string {
	out := make(map[string]string, len(claims))
	for k, v := range claims {
		switch x := v.(type) {
		case string:
			out[k] = x
		case float64:
			out[k] = strconv.FormatFloat(x, 'f', -1, 64)
		case bool:
			out[k] = strconv.FormatBool(x)
		case []any:
			parts := make([]string, len(x))
			for i, e := range x {
				parts[i] = fmt.Sprint(e)
			}
			out[k] = "[" + strings.Join(parts, " ") + "]"
		default:
			b, _ := json.Marshal(x)
			out[k] = string(b)
		}
	}
	return out
}

func challenge(err error) string {
	if errors.Is(err, errNoToken) {
		return "Bearer"
	}
	return fmt.Sprintf(`Bearer scope="" error="invalid_token" error_description=%q`, err.Error())
}
