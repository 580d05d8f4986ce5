package extract

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"aksio.app/shared/fault"
)

// Bounds of a web page.
const (
	mostHTML    = 10 << 20 // bytes: the tree of a page takes some times more
	mostArticle = 32 << 20 // bytes of text, each for every element around it: those are looked through for an article
	mostNodes   = 100_000  // of a page that is looked through for an article: that can't be stopped
)

// readHTML reads a page's article, or all of it where there is none.
func readHTML(ctx context.Context, content []byte) (raw, error) {
	text, ok := decode(content)
	if !ok {
		return raw{}, damaged()
	}
	if len(text) > mostHTML {
		return raw{}, fault.New(fault.TooLarge, "The page has %d MiB; %d MiB are the most. Save it without pictures, or as a PDF, and upload that.",
			len(text)>>20, mostHTML>>20).Coded("too_large")
	}
	root, err := html.Parse(timely{strings.NewReader(text), ctx})
	switch {
	case ctx.Err() != nil:
		return raw{}, ctx.Err()
	case err != nil: // the parser takes any page, but for this
		return raw{}, fault.New(fault.Invalid, "The page's elements stand too deep in one another to be read. Save it as a PDF, or copy its text, and upload that.").
			Coded("too_deep")
	}
	prepare(root)
	whole := gather(root)
	if bytes, nodes := around(root, 0); bytes > mostArticle || nodes > mostNodes {
		return whole, nil
	}
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
	if title := title(article.Title()); title != "" && !strings.Contains(found.pages[0], title) {
		found.pages[0] = mark + title + "\n\n" + found.pages[0]
		found.headings = slices.Insert(found.headings, 0, rawHeading{title: title, level: 1})
	}
	return found, nil
}

// textual are the elements of a text itself, not of what stands around one.
var textual = map[atom.Atom]bool{
	atom.P: true, atom.Dl: true, atom.Dt: true, atom.Dd: true, atom.Li: true, atom.Td: true, atom.Th: true,
	atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true,
}

// extra are the classes of what Wikipedia and KaTeX put beside a text: links to the
// page's parts, and formulas for the eye, which are there as MathML, too.
var extra = []string{"mw-jump-link", "mw-editsection", "katex-html"}

// prepare takes what isn't read out of a page, such as the TeX within a formula and the
// marks of notes, which part sentences from what follows them, and the classes and ids of a text's elements: the search for an article drops whatever
// has "header", "menu" or "related" in one, such as a term of the class "subheaders"
// or a section whose id is "related-work". Formulas and exponents it writes in one line.
func prepare(root *html.Node) {
	var unread, formulas, shifted []*html.Node
	for n := range root.Descendants() {
		switch {
		case n.DataAtom == atom.Annotation, n.DataAtom == atom.AnnotationXml, hasClass(n, extra), noteMark(n):
			unread = append(unread, n)
		case n.Namespace == "math" && stacked[n.Data] != "":
			formulas = append(formulas, n)
		case n.DataAtom == atom.Sup, n.DataAtom == atom.Sub:
			shifted = append(shifted, n)
		case textual[n.DataAtom]:
			n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "class" || a.Key == "id" })
		case n.DataAtom == atom.Section:
			n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "id" && isTitled(n, a.Val) })
		}
	}
	for _, n := range unread {
		n.Parent.RemoveChild(n)
	}
	for _, n := range slices.Backward(formulas) {
		inLine(n)
	}
	for _, n := range shifted {
		shiftLine(n)
	}
}

// isTitled reports whether the id of a section is made of the heading that it begins
// with, as many programs make them.
func isTitled(section *html.Node, id string) bool {
	first := section.FirstChild
	for first != nil && first.Type != html.ElementNode {
		first = first.NextSibling
	}
	if first == nil || len(first.Data) != 2 || first.Data[0] != 'h' {
		return false
	}
	heading, nodes := "", 0
	for d := range first.Descendants() {
		if nodes++; nodes > 50 || len(heading)+len(d.Data) > 500 { // others may stand in it
			return false
		}
		if d.Type == html.TextNode {
			heading += d.Data
		}
	}
	return slug(heading) == slug(id)
}

// slug returns the text's words as they stand in an id.
func slug(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }), "-")
}

// noteMark reports whether the element is a raised link to a note, or back from one,
// or says on which page of a note's book something is.
func noteMark(n *html.Node) bool {
	return n.DataAtom == atom.Sup && (leadsWithin(n.Parent) || leadsWithin(n.FirstChild) || hasClass(n, []string{"reference"}))
}

// leadsWithin reports whether the element is a link to a place of a page.
func leadsWithin(n *html.Node) bool {
	return n != nil && n.DataAtom == atom.A && slices.ContainsFunc(n.Attr, func(a html.Attribute) bool {
		return a.Key == "href" && strings.Contains(a.Val, "#")
	})
}

// hasClass reports whether the element has one of the classes.
func hasClass(n *html.Node, classes []string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool {
		return a.Key == "class" && slices.ContainsFunc(strings.Fields(a.Val), func(class string) bool { return slices.Contains(classes, class) })
	})
}

// around returns how many bytes of text there are below the node, each counted for
// every element around it, and how many nodes.
func around(n *html.Node, depth int) (bytes, nodes int) {
	if n.Type == html.TextNode {
		return depth * len(n.Data), 1
	}
	for c := range n.ChildNodes() {
		b, n := around(c, depth+1)
		bytes, nodes = bytes+b, nodes+n
	}
	return bytes, nodes + 1
}

// gather returns the text below a node, a paragraph for each block.
func gather(root *html.Node) raw {
	found := raw{marked: true}
	var out strings.Builder
	var walk func(*html.Node, int)
	walk = func(n *html.Node, depth int) {
		if depth > 500 {
			return
		}
		heading := -1
		switch n.Type {
		case html.TextNode:
			out.WriteString(oneLine(unmarked(n.Data)))
			return
		case html.ElementNode:
			switch n.DataAtom {
			case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Iframe, atom.Svg, atom.Nav, atom.Head:
				return
			case atom.Br:
				out.WriteByte('\n')
				return
			case atom.Pre:
				out.WriteString("\n\n" + unmarked(inner(n)) + "\n\n")
				return
			case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
				if heading = len(found.headings); heading < mostHeadings {
					found.headings = append(found.headings, rawHeading{level: int(n.Data[1] - '0')})
				}
			}
		}
		block := n.Type == html.ElementNode && blocks[n.DataAtom]
		if block {
			out.WriteString("\n\n")
		}
		begins := out.Len()
		if heading >= 0 && heading < mostHeadings {
			out.WriteString(mark)
		}
		for c := range n.ChildNodes() {
			walk(c, depth+1)
		}
		if heading >= 0 && heading < mostHeadings {
			found.headings[heading].title = out.String()[begins:]
		}
		if n.DataAtom == atom.Td || n.DataAtom == atom.Th {
			out.WriteString(" | ")
		}
		if block {
			out.WriteString("\n\n")
		}
	}
	walk(root, 0)
	found.pages = paginate(tidy(out.String()))
	return found
}

// oneLine returns the text with single spaces. White space at either end stays: it
// parts words of neighbouring elements.
func oneLine(text string) string {
	words := strings.Join(strings.Fields(text), " ")
	if words == "" {
		return " "
	}
	if strings.TrimLeft(text, " \n\t\r") != text {
		words = " " + words
	}
	if strings.TrimRight(text, " \n\t\r") != text {
		words += " "
	}
	return words
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
