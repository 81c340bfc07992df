package arch_test

import (
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"

	"onebook/internal/store"
)

// keeping are the types of what cannot be made again.
var keeping = []string{
	"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SecretsManager::Secret", "AWS::Cognito::UserPool",
}

func retainLaw(d *deployment) (out []string) {
	holds := map[string]bool{}
	for _, r := range d.Resources() {
		if slices.Contains(keeping, r.Type) {
			if r.DeletionPolicy != "Retain" || r.ReplacePolicy != "Retain" {
				say(&out, "%s is not retained", r.Name())
			}
			holds[r.Stack] = true
		}
	}
	for stack := range holds {
		if r, ok := d.Resource(stack); ok && r.DeletionPolicy != "Retain" {
			say(&out, "%s holds what is kept and is not retained itself", stack)
		}
	}
	for _, t := range d.OfType("AWS::DynamoDB::Table") {
		if t.Properties["DeletionProtectionEnabled"] != true {
			say(&out, "%s has no deletion protection", t.Name())
		}
		if props(t.Properties, "PointInTimeRecoverySpecification")["PointInTimeRecoveryEnabled"] != true {
			say(&out, "%s cannot be restored to a point in time", t.Name())
		}
		sse := props(t.Properties, "SSESpecification")
		if sse["SSEEnabled"] != true || sse["SSEType"] != "KMS" || sse["KMSMasterKeyId"] != "Data.Key" {
			say(&out, "%s is not under our own key", t.Name())
		}
	}
	for _, k := range d.OfType("AWS::KMS::Key") {
		if k.Properties["EnableKeyRotation"] != true {
			say(&out, "%s is never rotated", k.Name())
		}
	}
	for _, p := range d.OfType("AWS::Cognito::UserPool") {
		if p.Properties["DeletionProtection"] != "ACTIVE" {
			say(&out, "%s has no deletion protection", p.Name())
		}
	}
	return out
}

func bucketLaw(d *deployment) (out []string) {
	for _, b := range d.OfType("AWS::S3::Bucket") {
		block := props(b.Properties, "PublicAccessBlockConfiguration")
		for _, x := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if block[x] != true {
				say(&out, "%s: %s is off", b.Name(), x)
			}
		}
		if props(b.Properties, "VersioningConfiguration")["Status"] != "Enabled" {
			say(&out, "%s keeps no versions", b.Name())
		}
		var encrypted bool
		for _, x := range items(props(b.Properties, "BucketEncryption")["ServerSideEncryptionConfiguration"]) {
			m, _ := x.(map[string]any)
			e := props(m, "ServerSideEncryptionByDefault")
			encrypted = m["BucketKeyEnabled"] == true && e["SSEAlgorithm"] == "aws:kms" && e["KMSMasterKeyID"] == "Data.Key"
		}
		if !encrypted {
			say(&out, "%s is not under our own key with a bucket key", b.Name())
		}
		if b.Properties["AccessControl"] != nil {
			say(&out, "%s has an ACL", b.Name())
		}
		var tls bool
		for _, p := range d.OfType("AWS::S3::BucketPolicy") {
			if p.Properties["Bucket"] != b.Name() {
				continue
			}
			for _, s := range d.policies()[p.Name()] {
				tls = tls || s.Effect == "Deny" && slices.Equal(s.Principals, []string{"*"}) && slices.Equal(s.Actions, []string{"s3:*"}) &&
					slices.Contains(s.Resources, b.Name()) && slices.Contains(s.Resources, b.Name()+"/*") &&
					slices.Equal(s.Conditions["Bool"]["aws:SecureTransport"], []string{"false"})
			}
		}
		if !tls {
			say(&out, "%s can be read without TLS", b.Name())
		}
	}
	roots, _ := d.Resource("Data.AuditRoots")
	if roots.Properties["ObjectLockEnabled"] != true || props(roots.Properties, "ObjectLockConfiguration", "Rule", "DefaultRetention") == nil {
		say(&out, "Data.AuditRoots is not locked")
	}
	return out
}

// tableLaw: the table of an account is the table that the store's tests have proven.
func tableLaw(d *deployment) (out []string) {
	p := mustResource(d, "Data.Table").Properties
	want := store.TableSchema("t")
	compare := func(what string, got, want any) {
		if !reflect.DeepEqual(got, want) {
			say(&out, "Data.Table: %s is %v, and the store says %v", what, got, want)
		}
	}
	keys := func(v any) string {
		var b []string
		for _, x := range items(v) {
			m, _ := x.(map[string]any)
			b = append(b, fmt.Sprint(m["KeyType"], " ", m["AttributeName"]))
		}
		return strings.Join(b, ", ")
	}
	storeKeys := make([]string, 0, 2)
	for _, k := range want.KeySchema {
		storeKeys = append(storeKeys, fmt.Sprint(k.KeyType, " ", *k.AttributeName))
	}
	compare("its key", keys(p["KeySchema"]), strings.Join(storeKeys, ", "))
	got, wanted := map[string]string{}, map[string]string{}
	for _, x := range items(p["GlobalSecondaryIndexes"]) {
		m, _ := x.(map[string]any)
		pr := props(m, "Projection")
		got[fmt.Sprint(m["IndexName"])] = fmt.Sprint(keys(m["KeySchema"]), " ", pr["ProjectionType"], " ", pr["NonKeyAttributes"])
	}
	for _, x := range want.GlobalSecondaryIndexes {
		var ks []string
		for _, k := range x.KeySchema {
			ks = append(ks, fmt.Sprint(k.KeyType, " ", *k.AttributeName))
		}
		wanted[*x.IndexName] = fmt.Sprint(strings.Join(ks, ", "), " ", x.Projection.ProjectionType, " ", x.Projection.NonKeyAttributes)
	}
	compare("its indexes", got, wanted)
	var attrs, storeAttrs []string
	for _, x := range items(p["AttributeDefinitions"]) {
		m, _ := x.(map[string]any)
		attrs = append(attrs, fmt.Sprint(m["AttributeName"], m["AttributeType"]))
	}
	for _, a := range want.AttributeDefinitions {
		storeAttrs = append(storeAttrs, fmt.Sprint(*a.AttributeName, a.AttributeType))
	}
	sort.Strings(attrs)
	sort.Strings(storeAttrs)
	compare("its attributes", attrs, storeAttrs)
	compare("its stream", props(p, "StreamSpecification")["StreamViewType"], string(want.StreamSpecification.StreamViewType))
	compare("its billing", p["BillingMode"], string(want.BillingMode))
	ttl := props(p, "TimeToLiveSpecification")
	compare("what is swept", fmt.Sprint(ttl["AttributeName"], ttl["Enabled"]), store.TTLAttribute+"true")
	return out
}

func signInLaw(d *deployment) (out []string) {
	for _, p := range d.OfType("AWS::Cognito::UserPool") {
		if props(p.Properties, "AdminCreateUserConfig")["AllowAdminCreateUserOnly"] != true {
			say(&out, "%s lets people sign up by themselves", p.Name())
		}
		if p.Properties["MfaConfiguration"] != "ON" {
			say(&out, "%s does not demand a second factor by default", p.Name())
		}
	}
	for _, c := range d.OfType("AWS::Cognito::UserPoolClient") {
		if c.Properties["PreventUserExistenceErrors"] != "ENABLED" {
			say(&out, "%s tells who has an account", c.Name())
		}
		minutes := fmt.Sprint(c.Properties["AccessTokenValidity"], " ", props(c.Properties, "TokenValidityUnits")["AccessToken"])
		if minutes != "15 minutes" {
			say(&out, "%s: access tokens live %s, not 15 minutes", c.Name(), minutes)
		}
		if c.Properties["EnableTokenRevocation"] != true || props(c.Properties, "RefreshTokenRotation")["Feature"] != "ENABLED" {
			say(&out, "%s: a stolen refresh token stays good", c.Name())
		}
		if c.Properties["GenerateSecret"] != false {
			say(&out, "%s has a secret, which a browser cannot keep", c.Name())
		}
	}
	return out
}
