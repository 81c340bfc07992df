package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"onebook/infra/local/disk"
)

// The secrets by their names in the template.
const (
	secretLinkKey   = "Data.LinkKey"
	secretStripe    = "StripeKeySecret"
	secretPortal    = "StripePortalKeySecret"
	secretWebhook   = "StripeWebhookSecret"
	fileSecrets     = "secrets.json"
	stripeKey       = "sk_test_local"
	stripePortalKey = "rk_test_local"
)

// secrets are what the secrets manager holds in an account. They are made once per data folder and outlive a
// reset, as a deployed stack's do.
type secrets map[string]string

func openSecrets(folder string) (secrets, error) {
	file := filepath.Join(folder, fileSecrets)
	var s secrets
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err == nil {
		return s, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the secrets in %s cannot be read: %w", file, err)
	}
	s = secrets{
		secretLinkKey: `{"1":"` + random() + `"}`, secretStripe: stripeKey, secretPortal: stripePortalKey, secretWebhook: "whsec_" + random(),
	}
	if b, err = json.Marshal(s); err == nil {
		err = disk.Replace(file, b)
	}
	if err != nil {
		return nil, fmt.Errorf("the secrets: %w", err)
	}
	return s, nil
}

// Value answers a secret by its name in the template, which stands where an account has its ARN.
func (s secrets) Value(_ context.Context, name string) (string, error) {
	v, ok := s[name]
	if !ok {
		return "", fmt.Errorf("there is no secret %s", name)
	}
	return v, nil
}

func random() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
