package config

// Pages has the settings for the look of the pages. The room that opens the folder checks it.
type Pages struct {
	ThemeDir string `name:"theme-dir" setting:"flag env file" group:"Pages" placeholder:"FOLDER" help:"Folder with templates, languages and assets of your own for the pages that people see. The server checks it when it starts."`
}

func (*Pages) complete(*completion) []error { return nil }
