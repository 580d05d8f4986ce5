package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
)

func (d *day) health(ctx context.Context) (string, error) {
	var answer struct {
		Status string `json:"status"`
		Model  string `json:"model"`
	}
	err := d.Get(ctx, "/api/health/", &answer)
	return answer.Status + ", model " + answer.Model, err
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
	return "the tokens are worth nothing now", d.Post(ctx, "/api/v1/accounts/logout/", map[string]any{"refresh": d.refresh}, nil)
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
