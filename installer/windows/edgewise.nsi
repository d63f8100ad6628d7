; Edgewise for one user, without an administrator. `python -m build.windows` compiles this: it writes the lists of
; files and gives every name that is asked for below by -D.
;
;   /S          installs or removes without a window and without a question
;   /D=FOLDER   where to; the last argument, never in quotes
;
; Exit codes: 0 done, 1 cancelled, 2 failed, 3 not for this Windows, 4 Edgewise is open, 5 the folder's path is too long.

Unicode true
!ifndef VERSION | VERSION_OF_FOUR | OUT | ICON | PICTURE | INSTALL_LIST | REMOVE_LIST | SIZE_KB | LONGEST
  !error "This script is compiled by python -m build.windows."
!endif

!include LogicLib.nsh
!include FileFunc.nsh
!include Integration.nsh
!include Sections.nsh
!include WinVer.nsh
!include x64.nsh

!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Edgewise"
!define OWN_KEY "Software\Edgewise"
!define TYPE_KEY "Software\Classes\Edgewise.gguf"
!define PROGRAM_KEY "Software\Classes\Applications\Edgewise.exe"
!define EXTENSION_KEY "Software\Classes\.gguf"
!define OLDEST_BUILD 17763 ; Windows 10 1809, the oldest that Qt 6.11 is tested on
!define LONGEST_PATH 259   ; characters, MAX_PATH without its zero

Name "Edgewise"
Caption "Edgewise ${VERSION}"
BrandingText "Edgewise ${VERSION}"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\Edgewise"
InstallDirRegKey HKCU "${OWN_KEY}" "Folder"
RequestExecutionLevel user
ManifestSupportedOS all
ManifestDPIAware true
ManifestLongPathAware true
SetCompressor /SOLID lzma
SetCompressorDictSize 64
CRCCheck force
AllowSkipFiles off
ShowInstDetails nevershow
ShowUninstDetails nevershow

VIProductVersion "${VERSION_OF_FOUR}"
VIFileVersion "${VERSION_OF_FOUR}"
VIAddVersionKey /LANG=0 "ProductName" "Edgewise"
VIAddVersionKey /LANG=0 "FileDescription" "Edgewise ${VERSION}, installer"
VIAddVersionKey /LANG=0 "CompanyName" "The Edgewise authors"
VIAddVersionKey /LANG=0 "LegalCopyright" "The Edgewise authors, MIT licence"
VIAddVersionKey /LANG=0 "FileVersion" "${VERSION}"
VIAddVersionKey /LANG=0 "ProductVersion" "${VERSION}"

!ifdef SIGN
  ; Both are signed before they are packed or handed out; a command that fails ends the compile.
  !finalize '${SIGN} "%1"' = 0
  !uninstfinalize '${SIGN} "%1"' = 0
!endif

Var Data         ; the folder with a person's chats and models, which no step here touches
Var KeepsEntries ; "1": an uninstaller that is run by a newer installer leaves links and registry to it

!include MUI2.nsh
!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_ABORTWARNING_TEXT "Stop installing Edgewise?"
!define MUI_WELCOMEFINISHPAGE_BITMAP "${PICTURE}"
!define MUI_WELCOMEFINISHPAGE_BITMAP_STRETCH AspectFitHeight

!define MUI_PAGE_HEADER_TEXT "Where to install Edgewise"
!define MUI_PAGE_HEADER_SUBTEXT "For your account alone. No administrator is needed."
!define MUI_DIRECTORYPAGE_TEXT_TOP "Your chats and models do not lie here but in $Data. They stay when you install a newer version or remove Edgewise."
!define MUI_PAGE_CUSTOMFUNCTION_LEAVE CheckLength
!insertmacro MUI_PAGE_DIRECTORY

!define MUI_PAGE_HEADER_TEXT "How Windows shows Edgewise"
!define MUI_PAGE_HEADER_SUBTEXT "You can change both later."
!define MUI_COMPONENTSPAGE_NODESC
!define MUI_COMPONENTSPAGE_TEXT_TOP "Edgewise will be in the start menu. What else would you like?"
!define MUI_COMPONENTSPAGE_TEXT_COMPLIST " "
!insertmacro MUI_PAGE_COMPONENTS

!define MUI_PAGE_HEADER_TEXT "Installing"
!define MUI_PAGE_HEADER_SUBTEXT "This takes about a minute."
!define MUI_INSTFILESPAGE_FINISHHEADER_TEXT "Installed"
!define MUI_INSTFILESPAGE_FINISHHEADER_SUBTEXT " "
!define MUI_INSTFILESPAGE_ABORTHEADER_TEXT "Not installed"
!define MUI_INSTFILESPAGE_ABORTHEADER_SUBTEXT " "
!insertmacro MUI_PAGE_INSTFILES

!define MUI_FINISHPAGE_TITLE "Edgewise is installed"
!define MUI_FINISHPAGE_TEXT "You find it in the start menu."
!define MUI_FINISHPAGE_RUN "$INSTDIR\Edgewise.exe"
!define MUI_FINISHPAGE_RUN_TEXT "Open Edgewise"
!insertmacro MUI_PAGE_FINISH

!define MUI_PAGE_HEADER_TEXT "Remove Edgewise"
!define MUI_PAGE_HEADER_SUBTEXT "Your chats and models stay."
!define MUI_UNCONFIRMPAGE_TEXT_TOP "The program is removed. Your chats, settings and models stay in $Data. Delete that folder yourself if you no longer want them."
!define MUI_UNCONFIRMPAGE_TEXT_LOCATION "Program:"
!insertmacro MUI_UNPAGE_CONFIRM

!define MUI_PAGE_HEADER_TEXT "Removing"
!define MUI_PAGE_HEADER_SUBTEXT " "
!define /redef MUI_INSTFILESPAGE_FINISHHEADER_TEXT "Edgewise is removed"
!define /redef MUI_INSTFILESPAGE_FINISHHEADER_SUBTEXT "Your chats, settings and models are still in $Data."
!define /redef MUI_INSTFILESPAGE_ABORTHEADER_TEXT "Not removed"
!define /redef MUI_INSTFILESPAGE_ABORTHEADER_SUBTEXT " "
!insertmacro MUI_UNPAGE_INSTFILES

!insertmacro MUI_LANGUAGE "English"

; ---- What both the installer and the uninstaller do ----

; Windows lets nobody write to the file of a program that runs. Nothing is written; "a" would make a missing file.
!macro LookWhetherOpen FILE
  ${If} ${FileExists} "$INSTDIR\${FILE}"
    ClearErrors
    FileOpen $0 "$INSTDIR\${FILE}" a
    ${If} ${Errors}
      StrCpy $1 "${FILE}"
    ${Else}
      FileClose $0
    ${EndIf}
  ${EndIf}
!macroend

!macro FunctionsOfBoth UN
  Function ${UN}FindData
    StrCpy $Data "$LOCALAPPDATA\Edgewise"
    ${If} ${FileExists} "$INSTDIR\edgewise-data\*.*"
      StrCpy $Data "$INSTDIR\edgewise-data"
    ${EndIf}
  FunctionEnd

  Function ${UN}WaitUntilClosed
    ${Do}
      StrCpy $1 ""
      !insertmacro LookWhetherOpen "_internal\bin\llama-server.exe"
      !insertmacro LookWhetherOpen "edgewise-cli.exe"
      !insertmacro LookWhetherOpen "Edgewise.exe"
      ${If} $1 == ""
        ${Break}
      ${EndIf}
      MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Edgewise is open. Close its window, then choose Retry. If it is not open, another program has $1 open." /SD IDCANCEL IDRETRY +3
      SetErrorLevel 4
      Quit
    ${Loop}
  FunctionEnd

  Function ${UN}RemoveEntries
    DeleteRegKey HKCU "${TYPE_KEY}"
    DeleteRegKey HKCU "${PROGRAM_KEY}"
    DeleteRegValue HKCU "${EXTENSION_KEY}\OpenWithProgids" "Edgewise.gguf"
    DeleteRegKey /ifempty HKCU "${EXTENSION_KEY}\OpenWithProgids"
    DeleteRegKey /ifempty HKCU "${EXTENSION_KEY}"
    DeleteRegValue HKCU "Software\RegisteredApplications" "Edgewise"
    DeleteRegKey HKCU "${OWN_KEY}\Capabilities"
    Delete "$DESKTOP\Edgewise.lnk"
    Delete "$SMPROGRAMS\Edgewise.lnk"
  FunctionEnd
!macroend
!insertmacro FunctionsOfBoth ""
!insertmacro FunctionsOfBoth "un."

; ---- Installing ----

!macro RefuseToInstall CODE SENTENCE
  MessageBox MB_OK|MB_ICONSTOP "${SENTENCE}" /SD IDOK
  SetErrorLevel ${CODE}
  Quit
!macroend

Section "Edgewise" FILES
  SectionIn RO
  Call WaitUntilClosed
  Call RemoveOlderVersion
  Call RemoveEntries
  !include /CHARSET=UTF8 "${INSTALL_LIST}"
  SetOutPath "$INSTDIR"
  WriteUninstaller "$INSTDIR\Uninstall.exe"
  CreateShortcut "$SMPROGRAMS\Edgewise.lnk" "$INSTDIR\Edgewise.exe" "" "" "" "" "" "Chat with language models on your own hardware"
  WriteRegStr HKCU "${OWN_KEY}" "Folder" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayName" "Edgewise"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\Edgewise.exe,0"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "Publisher" "The Edgewise authors"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\Uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\Uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "EstimatedSize" ${SIZE_KB}
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoRepair" 1
SectionEnd

; Only an offer: whatever opens these files today keeps doing so until the person chooses otherwise.
Section "Offer Edgewise for model files (.gguf)" ASSOCIATION
  WriteRegStr HKCU "${TYPE_KEY}" "" "Language model"
  WriteRegStr HKCU "${TYPE_KEY}\DefaultIcon" "" "$INSTDIR\Edgewise.exe,0"
  WriteRegStr HKCU "${TYPE_KEY}\shell\open\command" "" '"$INSTDIR\Edgewise.exe" "%1"'
  WriteRegStr HKCU "${EXTENSION_KEY}\OpenWithProgids" "Edgewise.gguf" ""
  WriteRegStr HKCU "${PROGRAM_KEY}\shell\open\command" "" '"$INSTDIR\Edgewise.exe" "%1"'
  WriteRegStr HKCU "${PROGRAM_KEY}\SupportedTypes" ".gguf" ""
  WriteRegStr HKCU "${OWN_KEY}\Capabilities" "ApplicationName" "Edgewise"
  WriteRegStr HKCU "${OWN_KEY}\Capabilities" "ApplicationDescription" "Chat with language models on your own hardware"
  WriteRegStr HKCU "${OWN_KEY}\Capabilities\FileAssociations" ".gguf" "Edgewise.gguf"
  WriteRegStr HKCU "Software\RegisteredApplications" "Edgewise" "${OWN_KEY}\Capabilities"
SectionEnd

Section /o "Icon on the desktop" DESKTOP_ICON
  CreateShortcut "$DESKTOP\Edgewise.lnk" "$INSTDIR\Edgewise.exe"
SectionEnd

Section "-Tell Windows"
  ${NotifyShell_AssocChanged}
SectionEnd

Function .onInit
  SetShellVarContext current
  SetRegView 64
  ${IfNot} ${RunningX64}
    !insertmacro RefuseToInstall 3 "Edgewise needs a 64-bit Windows, and this one is 32-bit."
  ${EndIf}
  ${IfNot} ${AtLeastBuild} ${OLDEST_BUILD}
    !insertmacro RefuseToInstall 3 "Edgewise needs Windows 10, version 1809 of 2018, or newer. This Windows is older."
  ${EndIf}
  ${If} ${Silent}
    Call CheckLength
  ${EndIf}
  ; Whoever installs a newer version finds the choices of last time.
  ReadRegStr $0 HKCU "${OWN_KEY}" "Folder"
  ${If} $0 != ""
    ReadRegStr $1 HKCU "${TYPE_KEY}\shell\open\command" ""
    ${If} $1 == ""
      !insertmacro UnselectSection ${ASSOCIATION}
    ${EndIf}
    ${If} ${FileExists} "$DESKTOP\Edgewise.lnk"
      !insertmacro SelectSection ${DESKTOP_ICON}
    ${EndIf}
  ${EndIf}
  Call FindData
FunctionEnd

; Parts of Windows and of the libraries that are carried stop at 260 characters, whatever the system's settings are.
Function CheckLength
  StrLen $0 "$INSTDIR"
  IntOp $0 $0 + 1
  IntOp $0 $0 + ${LONGEST}
  ${If} $0 > ${LONGEST_PATH}
    IntOp $0 $0 - ${LONGEST_PATH}
    MessageBox MB_OK|MB_ICONSTOP "The path of this folder is too long by $0 characters. Choose one with a shorter path." /SD IDOK
    ${If} ${Silent}
      SetErrorLevel 5
      Quit
    ${EndIf}
    Abort
  ${EndIf}
FunctionEnd

; An older version takes its own files away, as it alone knows which they are; here, and where it was installed before.
Function RemoveOlderVersion
  ReadRegStr $2 HKCU "${OWN_KEY}" "Folder"
  ${If} $2 == ""
  ${OrIfNot} ${FileExists} "$2\Uninstall.exe"
    StrCpy $2 "$INSTDIR"
  ${EndIf}
  ${DoWhile} ${FileExists} "$2\Uninstall.exe"
    DetailPrint "Removing the version in $2"
    ClearErrors
    ExecWait '"$2\Uninstall.exe" /S /KEEP _?=$2' $3
    ${If} ${Errors}
    ${OrIf} $3 <> 0
      MessageBox MB_OK|MB_ICONSTOP "The version of Edgewise in $2 could not be removed. Close it if it is open, then install again." /SD IDOK
      SetErrorLevel $3
      ${If} $3 == 0
      ${OrIf} $3 == ""
        SetErrorLevel 2
      ${EndIf}
      Quit
    ${EndIf}
    Delete "$2\Uninstall.exe"
    RMDir "$2"
    ${If} ${FileExists} "$2\Uninstall.exe"
      ${Break}
    ${EndIf}
    StrCpy $2 "$INSTDIR"
  ${Loop}
FunctionEnd

; ---- Removing ----

Section "Uninstall"
  Call un.WaitUntilClosed
  SetOutPath "$TEMP" ; a folder that is somebody's current one cannot be removed
  !include /CHARSET=UTF8 "${REMOVE_LIST}"
  ${If} $KeepsEntries == "1"
    Return
  ${EndIf}
  Call un.RemoveEntries
  DeleteRegKey HKCU "${UNINSTALL_KEY}"
  DeleteRegKey HKCU "${OWN_KEY}"
  Delete "$INSTDIR\Uninstall.exe"
  RMDir "$INSTDIR" ; only if nothing else lies in it
  ${NotifyShell_AssocChanged}
SectionEnd

Function un.onInit
  SetShellVarContext current
  SetRegView 64
  Call un.FindData
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/KEEP" $1
  ${IfNot} ${Errors}
    StrCpy $KeepsEntries "1"
  ${EndIf}
FunctionEnd
