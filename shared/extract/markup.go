package extract

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"codeberg.org/readeck/go-readability/v2"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// markdown joins lines of Chinese and Japanese without a space.
var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM,
	extension.NewCJK(extension.WithEastAsianLineBreaks(extension.EastAsianLineBreaksCSS3Draft))))

// mostColumns is how many columns a table in Markdown may have. Rows that are short
// of cells get empty ones: a small file could become a table of millions.
const mostColumns = 200

// readMarkdown reads Markdown by way of the HTML that it stands for.
func readMarkdown(content []byte) (raw, error) {
	text, ok := decode(content)
	if !ok {
		return raw{}, damaged()
	}
	for line := range strings.Lines(text) {
		if strings.Count(line, "|") > mostColumns {
			return readPlain(content)
		}
	}
	var out bytes.Buffer
	if err := markdown.Convert([]byte(text), &out); err != nil {
		return raw{}, err
	}
	root, err := html.Parse(&out)
	if err != nil { // it is nested hundreds of levels deep
		return raw{}, fmt.Errorf("%w: %w", damaged(), err)
	}
	return gather(root), nil
}

// readHTML reads a page's article, or all of it where there is none.
func readHTML(ctx context.Context, content []byte) (raw, error) {
	text, ok := decode(content)
	if !ok {
		return raw{}, damaged()
	}
	root, err := html.Parse(timely{strings.NewReader(text), ctx})
	if err != nil {
		return raw{}, fmt.Errorf("%w: %w", damaged(), err)
	}
	whole := gather(root)
	parser := readability.NewParser()
	article, err := parser.ParseDocument(root, &url.URL{Scheme: "https", Host: "example.com"})
	if err != nil || article.Node == nil {
		return whole, nil
	}
	found := gather(article.Node)
	// A page that is mostly lists and tables looks to it as if it had no article, and
	// the headings of some books look like decoration.
	if length(found.pages)*4 < length(whole.pages) || len(whole.headings) >= 5 && len(found.headings)*2 < len(whole.headings) {
		return whole, nil
	}
	// It takes the heading that says what the page's title says for no part of the article.
	if title := strings.Join(strings.Fields(article.Title()), " "); title != "" && !strings.Contains(found.pages[0], title) {
		found.pages[0] = title + "\n\n" + found.pages[0]
		found.headings = slices.Insert(found.headings, 0, rawHeading{title, 1, 0})
	}
	return found, nil
}

func length(pages []string) (n int) {
	for _, page := range pages {
		n += len(page)
	}
	return n
}

// gather returns the text below a node, a paragraph for each block.
func gather(root *html.Node) raw {
	var found raw
	var out strings.Builder
	var walk func(*html.Node, int)
	walk = func(n *html.Node, depth int) {
		if depth > 500 {
			return
		}
		switch n.Type {
		case html.TextNode:
			// White space at either end parts words of neighbouring elements.
			words := strings.Join(strings.Fields(n.Data), " ")
			if words == "" {
				words = " "
			} else {
				if strings.TrimLeft(n.Data, " \n\t\r") != n.Data {
					words = " " + words
				}
				if strings.TrimRight(n.Data, " \n\t\r") != n.Data {
					words += " "
				}
			}
			out.WriteString(words)
			return
		case html.ElementNode:
			switch n.DataAtom {
			case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Iframe, atom.Svg, atom.Nav, atom.Head:
				return
			case atom.Br:
				out.WriteByte('\n')
				return
			case atom.Pre:
				out.WriteString("\n\n" + inner(n) + "\n\n")
				return
			case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
				found.headings = append(found.headings, rawHeading{strings.Join(strings.Fields(inner(n)), " "), int(n.Data[1] - '0'), 0})
			}
		}
		block := n.Type == html.ElementNode && blocks[n.DataAtom]
		if block {
			out.WriteString("\n\n")
		}
		for c := range n.ChildNodes() {
			walk(c, depth+1)
		}
		if n.DataAtom == atom.Td || n.DataAtom == atom.Th {
			out.WriteString(" | ")
		}
		if block {
			out.WriteString("\n\n")
		}
	}
	walk(root, 0)
	found.pages = []string{tidy(out.String())}
	return repaginate(found)
}

var blocks = map[atom.Atom]bool{
	atom.P: true, atom.Div: true, atom.Section: true, atom.Article: true, atom.Ul: true, atom.Ol: true, atom.Li: true,
	atom.Table: true, atom.Tr: true, atom.Blockquote: true, atom.Figure: true, atom.Figcaption: true, atom.Header: true,
	atom.Footer: true, atom.Main: true, atom.Aside: true, atom.Dl: true, atom.Dt: true, atom.Dd: true, atom.Form: true,
	atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Hr: true,
}

// inner returns the text below a node as it is.
func inner(n *html.Node) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			out.WriteString(d.Data)
		}
	}
	return out.String()
}
