"""Which names belong to source code and configuration: nothing in the text itself says so reliably."""

from __future__ import annotations

from pathlib import PurePath

_SUFFIXES = frozenset(
    """
    .ada .adb .ads .as .asm .awk .bash .bat .bzl .c .c++ .cc .cfg .cjs .clj .cljs .cmake .cmd .cob .cobol
    .coffee .conf .cpp .cr .cs .csproj .css .cts .cu .cuh .cxx .d .dart .desktop .diff .dtd .editorconfig .el
    .elm .env .erl .ex .exs .f .f03 .f08 .f90 .f95 .fish .for .fs .fsi .fsx .gd .glsl .go .gql .gradle
    .graphql .groovy .h .h++ .hcl .hh .hlsl .hpp .hrl .hs .hxx .inc .ini .ino .ipp .java .jl .js .jsp .jsx
    .kt .kts .ksh .less .lisp .lock .lsp .lua .m .mak .mjs .mk .ml .mli .mm .mts .nim .nix .nu .odin .pas
    .patch .php .pl .plist .pm .pony .pp .prisma .pro .properties .proto .ps1 .psd1 .psm1 .purs .py .pyi .pyw
    .pyx .qml .r .rake .rb .re .rkt .rs .s .sas .sass .sbt .scala .scm .scss .service .sh .sln .sol .sql .ss
    .st .styl .sv .svelte .svh .swift .tcl .tf .tfvars .thrift .toml .ts .tsx .v .vala .vb .vba .vbproj .vbs
    .vcxproj .vhd .vhdl .vim .vue .wat .wgsl .wsdl .xml .xaml .xsd .xsl .xslt .yaml .yml .zig .zsh
    """.split()
)
_NAMES = frozenset(
    """
    brewfile build build.bazel cmakelists.txt containerfile dockerfile gemfile gnumakefile jenkinsfile
    justfile makefile meson.build podfile procfile rakefile sconscript sconstruct snakefile vagrantfile
    workspace .bashrc .bash_profile .dockerignore .editorconfig .env .gitattributes .gitconfig .gitignore
    .npmrc .profile .vimrc .zshrc
    """.split()
)


def is_code_name(name: str) -> bool:
    """Whether a text file called ``name`` is source code; its folder does not matter."""
    path = PurePath(name.lower())
    return path.suffix in _SUFFIXES or path.name in _NAMES or path.name.startswith("dockerfile.")
