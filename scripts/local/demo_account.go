package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"aksio.app/scripts/internal/client"
)

// health asks whether the platform is well, and whether it is the platform that answers.
func (d *day) health(ctx context.Context) (string, error) {
	var answer struct {
		Service string `json:"service"`
		Status  string `json:"status"`
		Model   string `json:"model"`
		Checks  map[string]struct {
			Healthy bool `json:"healthy"`
		} `json:"checks"`
	}
	err := d.Get(ctx, "/api/health/", &answer)
	if p, ok := errors.AsType[*client.Problem](err); ok { // unhealthy, or somebody else's
		json.Unmarshal([]byte(p.Detail), &answer)
	}
	if _, failed := errors.AsType[net.Error](err); failed {
		return "", err
	}
	if answer.Service != "aksio-backend" {
		return "", fmt.Errorf("what answers at %s isn't Aksio: set PORT as make run has it", d.Address)
	}
	var away []string
	for _, name := range slices.Sorted(maps.Keys(answer.Checks)) {
		if !answer.Checks[name].Healthy {
			away = append(away, name)
		}
	}
	said := answer.Status + ", model " + answer.Model
	if len(away) > 0 {
		said = answer.Status + ", not well: " + strings.Join(away, ", ")
	}
	switch answer.Status {
	case "healthy":
		return said, nil
	case "degraded":
		return "", nothing(said)
	}
	return "", errors.New(said)
}

// register makes a student that nobody was before.
func (d *day) register(ctx context.Context) (string, error) {
	d.username, d.password = "demo-"+strings.ToLower(rand.Text()[:8]), rand.Text()
	return d.username, d.Post(ctx, "/api/v1/accounts/register/", map[string]any{
		"username":         d.username,
		"email":            d.username + "@example.com",
		"password":         d.password,
		"password_confirm": d.password,
	}, nil)
}

func (d *day) signIn(ctx context.Context) (string, error) {
	var tokens struct {
		Access  string `json:"access"`
		Refresh string `json:"refresh"`
	}
	err := d.Post(ctx, "/api/v1/accounts/login/", map[string]any{"username": d.username, "password": d.password}, &tokens)
	d.Token, d.refresh = tokens.Access, tokens.Refresh
	return "as " + d.username, err
}

func (d *day) signOut(ctx context.Context) (string, error) {
	return "the refresh token is worth nothing now; the access token ends within a quarter of an hour", d.Post(ctx, "/api/v1/accounts/logout/", map[string]any{"refresh": d.refresh}, nil)
}

func (d *day) addCourse(ctx context.Context) (string, error) {
	var course struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	err := d.Post(ctx, "/api/v1/courses/", map[string]any{"name": "Demo course"}, &course)
	d.course = course.ID
	return fmt.Sprintf("%q", course.Name), err
}
